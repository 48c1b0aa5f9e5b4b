"""Otter-Grader: its notebook and its test files, run the way Otter runs them."""

import copy
import json
import os
import subprocess
import sys
import zipfile
from types import ModuleType

import nbformat
import pytest

from autograder.cases import load_source
from autograder.exports.otter import check_env
from autograder.exports.otter_files import for_otter, write_otter
from autograder.paths import Rooms
from autograder.recorded import RecordingError, load_lab
from autograder.release import release
from autograder.submissions import read

LAB = "m0_toy_transformer"


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("otter")
    write_otter(LAB, folder)
    return folder


@pytest.fixture
def cases(written, monkeypatch):
    """Return what runs one test file on global names and gives points and failures by case."""

    def test_case(name):
        def named(function):
            function.case = name
            return function

        return named

    otter, test_files = ModuleType("otter"), ModuleType("otter.test_files")
    test_files.test_case = test_case
    monkeypatch.setitem(sys.modules, "otter", otter)
    monkeypatch.setitem(sys.modules, "otter.test_files", test_files)

    def run(exercise, env):
        space = {}
        path = written / "tests" / f"{exercise}.py"
        exec(compile(path.read_text(), path, "exec"), space)
        assert space["OK_FORMAT"] is False
        assert space["name"] == exercise
        told = {}
        for one in [value for value in space.values() if hasattr(value, "case")]:
            try:
                one(env)
                told[one.case] = None
            except AssertionError as error:
                told[one.case] = str(error)
        return space["points"], told

    return run


class TestNotebook:
    def test_checks_are_otters_and_the_rest_is_as_it_was(self, written):
        notebook = nbformat.read(written / f"{LAB}.ipynb", as_version=4)
        nbformat.validate(notebook)
        assert notebook.metadata["otter"] == {"assignment_name": LAB}
        ours = nbformat.read(Rooms.here().exercise(LAB), as_version=4)
        first = next(cell for cell in notebook.cells if cell.cell_type == "code")
        assert f'grader = otter.Notebook("{LAB}.ipynb")' in first.source
        names = [exercise.name for exercise in load_lab(LAB).exercises]
        kept = [cell for cell in notebook.cells if cell is not first]
        changed = [
            (now.source, was.source)
            for now, was in zip(kept, ours.cells, strict=True)
            if now.source != was.source
        ]
        assert changed == [(f'grader.check("{name}")', f"check({name})") for name in names]

    def test_our_grader_finds_the_answers_in_it(self, tmp_path):
        solved = nbformat.read(Rooms.here().solutions / f"{LAB}.ipynb", as_version=4)
        path = tmp_path / f"{LAB}.ipynb"
        nbformat.write(for_otter(solved, load_lab(LAB)), path)
        names = [exercise.name for exercise in load_lab(LAB).exercises]
        submission = read(path, LAB, names)
        assert list(submission.entries) == names
        assert not [cell for cell in submission.cells if "grader.check" in cell.source]

    def test_an_unknown_lab_is_an_error_that_writes_nothing(self, tmp_path):
        with pytest.raises(RecordingError, match="no lab 'm99'"):
            write_otter("m99", tmp_path)
        assert list(tmp_path.iterdir()) == []


class TestFiles:
    def test_right_answers_pass_every_case_of_every_exercise(self, cases):
        env = dict(load_source(LAB).answers)
        total = 0
        for exercise in load_lab(LAB).exercises:
            points, told = cases(exercise.name, env)
            assert told == {case.id: None for case in exercise.cases}
            total += points
        assert total == sum(exercise.points for exercise in load_lab(LAB).exercises)

    def test_a_wrong_answer_fails_with_the_verdict_of_check(self, cases):
        spec = load_source(LAB).lab.exercise("layer_norm")
        wrong = next(idea for idea in spec.misconceptions if idea.id == "forgets_eps")
        _, told = cases("layer_norm", {"layer_norm": wrong.wrong})
        assert set(told) == {"public-1", "public-2", "public-3"}
        failed = [text for text in told.values() if text]
        assert failed
        assert all("misconception: forgets_eps" in text for text in failed)

    def test_a_stub_and_a_missing_function_fail(self, cases):
        def mlp(*_):
            raise NotImplementedError

        assert all("Not started" in text for text in cases("mlp", {"mlp": mlp})[1].values())
        assert "there is no mlp" in cases("mlp", {})[1]["public-1"]

    def test_without_a_case_it_checks_them_all(self):
        answers = load_source(LAB).answers
        check_env(f"{LAB}/mlp", answers)
        with pytest.raises(AssertionError, match=r"0 of 3 cases pass"):
            check_env(f"{LAB}/mlp", {"mlp": lambda *_: None})


@pytest.mark.slow  # a clean process that imports torch
def test_the_test_files_find_check_env_in_a_students_release(tmp_path):
    with zipfile.ZipFile(release([LAB], tmp_path / "labs.zip")) as archive:
        archive.extractall(tmp_path)
    program = f"""
import sys; sys.path[0] = {str(tmp_path / "glassbox")!r}
from autograder.exports.otter import check_env
try:
    check_env("{LAB}/mlp", {{"mlp": lambda *_: None}})
except AssertionError as error:
    print(error)
print(*(name for name in sys.modules if name.startswith("autograder.exp")))
"""
    (tmp_path / "use.py").write_text(program)
    ran = subprocess.run(
        [sys.executable, tmp_path / "use.py"],
        env={"PATH": os.defpath, "HOME": str(tmp_path), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert "(0 of 3 cases pass)" in ran.stdout
    assert "autograder.exports autograder.exports.otter" in ran.stdout


@pytest.mark.slow  # Otter starts a kernel for each notebook
def test_otter_itself_gives_the_scores_that_check_gives(written, tmp_path):
    pytest.importorskip("otter", reason="otter-grader is not installed")

    def otter(*arguments):
        subprocess.run([sys.executable, "-m", "otter", *arguments], cwd=tmp_path, check=True)

    otter("generate", "-t", written / "tests", "-o", "autograder.zip")
    solved = nbformat.read(Rooms.here().solutions / f"{LAB}.ipynb", as_version=4)
    half = copy.deepcopy(solved)
    for cell in half.cells:
        if cell.source.startswith("def mlp("):
            cell.source = "def mlp(*_):\n    raise ValueError"
    scores = {}
    for name, notebook in {"solved": solved, "half": half}.items():
        folder = tmp_path / name
        folder.mkdir()
        nbformat.write(for_otter(notebook, load_lab(LAB)), folder / f"{LAB}.ipynb")
        otter("run", "-a", "autograder.zip", "-o", folder, folder / f"{LAB}.ipynb")
        tests = json.loads((folder / "results.json").read_text())["tests"]
        scores[name] = {one["name"]: one["score"] for one in tests if "score" in one}
    points = {exercise.name: exercise.points for exercise in load_lab(LAB).exercises}
    assert scores["solved"] == pytest.approx(points)
    assert scores["half"] == pytest.approx({**points, "mlp": 0.0})
