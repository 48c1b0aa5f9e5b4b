"""What must never drift apart: sources, specs, exercises, solutions, references, the class."""

import ast
import importlib
import inspect
import re
from pathlib import Path

import nbformat
import pytest
import torch
from nbclient import NotebookClient

from autograder import readme, record
from autograder.attempt import Attempt, from_judgement
from autograder.bank import open_bank
from autograder.batch import Papers, grade
from autograder.build import build
from autograder.cases import in_single, load_source
from autograder.diagnose import judge
from autograder.paths import Rooms
from autograder.recorded import load_lab
from autograder.sandbox import Sandbox
from autograder.submissions import Found
from autograder.values import to_double

ROOT = Path(__file__).resolve().parents[2]
LABS = Rooms.here().written_labs()
EXERCISES = [(lab, exercise.name) for lab in LABS for exercise in load_lab(lab).exercises]
SECRET = (ROOT / "tests/data/course-secret.txt").read_bytes().strip()

each_lab = pytest.mark.parametrize("lab", LABS)
each_exercise = pytest.mark.parametrize(
    ("lab", "name"), EXERCISES, ids=[f"{lab}/{name}" for lab, name in EXERCISES]
)


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as running:
        yield running


@pytest.fixture(scope="module")
def banks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("banks")
    return {lab: open_bank(lab, SECRET, folder=folder) for lab in LABS}


# 1 and 2. Derived files are what their sources give; none is missing and none is left over.


def test_derived_files_are_up_to_date():
    assert build(check=True) == []


def test_the_readme_table_is_up_to_date():
    assert readme.refresh(check=True) == []


@each_lab
def test_references_are_reproduced(lab):
    assert record.check(lab) == []


def test_every_lab_is_in_all_four_rooms():
    specs = {
        path.name.removesuffix(".py")
        for path in (ROOT / "autograder/labs").iterdir()
        if not path.name.startswith("__")
    }
    assert specs == set(LABS) == set(Rooms.here().recorded_labs())
    assert {path.stem for path in (ROOT / "exercises").iterdir()} == set(LABS)


# 3. Every exercise says what an exercise has to say.


@each_exercise
def test_an_exercise_is_complete(lab, name):
    exercise = load_lab(lab).exercise(name)
    assert re.fullmatch(r"[a-z][a-z0-9_]*", exercise.name)
    assert exercise.id == f"{lab}/{name}"
    assert exercise.points > 0
    assert 5 <= exercise.minutes <= 15
    assert 1 <= exercise.difficulty <= 5
    assert exercise.claim.endswith(".")
    assert exercise.objective.endswith(".")
    assert len(set(exercise.hints)) == 3
    assert len(exercise.misconceptions) >= 4
    for idea in exercise.misconceptions:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", idea.id)
        assert idea.text[0].islower(), "completes: It looks as if your code ..."
        assert idea.hint[-1] in ".?"


def test_ids_are_unique():
    assert len(set(EXERCISES)) == len(EXERCISES) >= 15
    for lab, name in EXERCISES:
        ids = [idea.id for idea in load_lab(lab).exercise(name).misconceptions]
        assert len(set(ids)) == len(ids)


# 4 and 5. Stubs are not started, solutions score full marks, in a clean confined process.


def graded(sandbox, papers, path, lab):
    found = Found("somebody", lab, path, None, None)
    return grade(found, papers, sandbox)


@each_lab
@pytest.mark.parametrize("suffix", [".ipynb", ".py"])
def test_every_stub_is_not_started(sandbox, banks, lab, suffix):
    result = graded(sandbox, Papers.hidden(banks[lab]), ROOT / f"exercises/{lab}{suffix}", lab)
    assert {exercise.status for exercise in result.exercises} == {"not_started"}
    assert result.score == 0
    assert result.max_score > 0


@each_lab
@pytest.mark.parametrize("suffix", [".ipynb", ".py"])
def test_every_solution_scores_full_marks(sandbox, banks, lab, suffix):
    for papers in (Papers.hidden(banks[lab]), Papers.public(load_lab(lab))):
        result = graded(sandbox, papers, ROOT / f"solutions/{lab}{suffix}", lab)
        assert {exercise.id: exercise.status for exercise in result.exercises} == {
            f"{lab}/{exercise.name}": "pass" for exercise in load_lab(lab).exercises
        }
        assert result.score == result.max_score > 0
        assert result.cell_problems == []


# 6. Every misconception loses and is named; every honest alternative passes.


def attempted(exercise, cases, answer):
    judgements = [judge(exercise, case, in_single(answer, case.inputs)) for case in cases]
    return Attempt(exercise, tuple(map(from_judgement, judgements)))


@each_exercise
def test_every_misconception_loses_and_is_named(banks, lab, name):
    exercise = load_lab(lab).exercise(name)
    for idea in load_source(lab).lab.exercise(name).misconceptions:
        for cases in (exercise.cases, banks[lab].variants[name]):
            attempt = attempted(exercise, cases, idea.wrong)
            assert attempt.score == 0, idea.id
            assert attempt.idea is not None, idea.id
            assert attempt.idea.id == idea.id


@each_exercise
def test_honest_alternatives_pass(banks, lab, name):
    exercise = load_lab(lab).exercise(name)
    alternatives = importlib.import_module(lab).ALTERNATIVES[name]
    assert len(alternatives) >= 2
    for answer in alternatives:
        for cases in (exercise.cases, banks[lab].variants[name]):
            attempt = attempted(exercise, cases, answer)
            assert attempt.status == "pass", (answer.__name__, attempt.first_failure)


@each_exercise
def test_an_answer_in_float64_passes(banks, lab, name):
    exercise = load_lab(lab).exercise(name)
    reference = load_source(lab).answers[name]

    def in_double_precision(*inputs):
        return reference(*map(to_double, inputs))

    attempt = attempted(exercise, banks[lab].variants[name], in_double_precision)
    assert attempt.status == "pass"


# 7. Stub and solution have the same signature and docstring.


def functions(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}


@each_exercise
def test_stub_and_solution_promise_the_same(lab, name):
    stub = functions(ROOT / f"exercises/{lab}.py")[name]
    solution = functions(ROOT / f"solutions/{lab}.py")[name]
    assert ast.unparse(stub.args) == ast.unparse(solution.args)
    assert ast.unparse(stub.returns) == ast.unparse(solution.returns)
    assert ast.get_docstring(stub) == ast.get_docstring(solution) is not None


# 8. A reference records how it was made.


@each_exercise
def test_a_reference_says_how_it_was_made(lab, name):
    exercise = load_lab(lab).exercise(name)
    assert load_lab(lab).source_sha256 == load_source(lab).sha256
    assert exercise.signature.startswith(f"{name}(")
    assert exercise.margin == "exact" or exercise.margin >= record.MARGIN_FLOOR
    assert (exercise.tolerance is None) == (exercise.margin == "exact")
    assert len({case.id for case in exercise.cases}) == len(exercise.cases) >= 2
    parameters = list(inspect.signature(load_source(lab).answers[name]).parameters)
    for case in exercise.cases:
        assert list(case.inputs) == parameters
        for tensor in tensors_of(case.expected):
            assert not tensor.is_floating_point() or tensor.dtype == torch.float64


def tensors_of(value):
    match value:
        case torch.Tensor():
            return [value]
        case dict():
            return [tensor for item in value.values() for tensor in tensors_of(item)]
        case list() | tuple():
            return [tensor for item in value for tensor in tensors_of(item)]
    return []


# 9. Notebooks are valid, without outputs, and run in order.


@each_lab
@pytest.mark.parametrize("folder", ["exercises", "solutions"])
def test_notebooks_are_valid_and_without_outputs(lab, folder):
    notebook = nbformat.read(ROOT / folder / f"{lab}.ipynb", as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


def run(path, *, allow_errors):
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=120, allow_errors=allow_errors).execute()
    return [
        output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs
    ]


@each_lab
def test_the_solution_notebook_runs_in_order_and_says_right(lab):
    outputs = run(ROOT / f"solutions/{lab}.ipynb", allow_errors=False)
    assert [o for o in outputs if o.output_type == "stream" and o.name == "stderr"] == []
    verdicts = [o["data"]["text/plain"] for o in outputs if "text/html" in o.get("data", {})]
    right = [text for text in verdicts if text.startswith("Right: ")]
    assert len(right) == len(load_lab(lab).exercises)


@each_lab
def test_the_exercise_notebook_stops_only_where_nothing_is_written_yet(lab):
    outputs = run(ROOT / f"exercises/{lab}.ipynb", allow_errors=True)
    assert [o for o in outputs if o.output_type == "stream" and o.name == "stderr"] == []
    names = {o.ename for o in outputs if o.output_type == "error"}
    assert names <= {"NotImplementedError", "NameError"}
    verdicts = [o["data"]["text/plain"] for o in outputs if "text/html" in o.get("data", {})]
    idle = [text for text in verdicts if text.startswith("Not started: ")]
    assert len(idle) == len(load_lab(lab).exercises)
