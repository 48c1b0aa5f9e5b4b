"""Every submission gets a result, and trouble of ours is never a zero."""

import io
from dataclasses import replace
from textwrap import dedent

import pytest
import torch
import toy

from autograder import batch
from autograder.attempt import Attempt
from autograder.batch import Papers, Sandboxes, attempt, grade, grade_all
from autograder.frames import read_own_frame
from autograder.record import record_exercise
from autograder.recorded import RecordedLab
from autograder.sandbox import Answer, Sandbox, SandboxError, StudentProcess
from autograder.sandbox.student import MAX_KILLING_CELLS, RESTARTS_PER_EXERCISE
from autograder.submissions import Found


@pytest.fixture(scope="module")
def exercise():
    return record_exercise(toy.SOURCE, toy.EXERCISE)


@pytest.fixture(scope="module")
def papers(exercise):
    return Papers.public(
        RecordedLab("toy", "A toy", "m0_foundations", "none", (), "0" * 64, (exercise,))
    )


class Scripted:
    """Stands for a student's process and gives the answers of a list."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = 0

    def call(self, _entry, inputs, **limits):
        self.asked += 1
        self.limits = limits
        answer = self.answers.pop(0)
        return answer(crossed(inputs)) if callable(answer) else answer


def crossed(arguments):
    """Return what the student's process makes of a call's arguments."""
    frame = read_own_frame(io.BytesIO(arguments.frame).read)
    return dict(zip(arguments.names, frame.value(trusted=True), strict=True))


def right(inputs):
    return Answer("value", value=inputs["matrix"].sum(1))


def wrong(inputs):
    return Answer("value", value=inputs["matrix"].sum(0))


def tried(exercise, *answers) -> tuple[Attempt, int]:
    student = Scripted(*answers)
    return attempt(student, exercise, exercise.cases, "row_sums"), student.asked


def test_all_cases_right_is_a_pass_with_full_marks(exercise):
    found, _ = tried(exercise, right, right, right)
    assert (found.status, found.score) == ("pass", 2.0)


def test_some_cases_right_is_partial_and_scored_in_proportion(exercise):
    found, _ = tried(exercise, right, wrong, right)
    assert found.status == "partial"
    assert found.score == pytest.approx(2.0 * 2 / 3)
    assert found.idea is not None
    assert found.idea.id == "column_sums"


@pytest.mark.parametrize("status", ["timeout", "memory", "crash", "missing", "not_started"])
def test_what_would_happen_again_is_not_tried_again(exercise, status):
    found, asked = tried(exercise, Answer(status, message="so it went"))
    assert asked == 1
    assert (found.status, found.score) == (status, 0.0)
    assert len(found.cases) == 3


def test_an_exception_may_belong_to_one_case(exercise):
    found, asked = tried(exercise, right, Answer("error", message="ValueError"), right)
    assert asked == 3
    assert (found.status, found.score) == ("partial", pytest.approx(4 / 3))


def test_a_missing_function_is_not_called(exercise):
    student = Scripted()
    found = attempt(student, exercise, exercise.cases, None)
    assert (found.status, student.asked) == ("missing", 0)


@pytest.mark.parametrize("trouble", [SandboxError("no memory left"), RuntimeError("a bug")])
def test_trouble_of_ours_is_infrastructure_with_an_open_score(papers, tmp_path, trouble):
    class Broken:
        level = "landlock"

        def start(self, _program):
            raise trouble

    path = tmp_path / "ada.py"
    path.write_text("def row_sums(matrix):\n    return matrix.sum(1)\n")
    found = Found("ada", "toy", path, None, None)
    result = grade(found, papers, Broken())
    assert result.status == "infrastructure"
    assert result.score is None
    assert [one.status for one in result.exercises] == ["infrastructure"]
    assert str(trouble) in (result.problem or "")


def test_an_unreadable_submission_gets_nothing_and_says_why(papers, tmp_path):
    found = Found("bob", "toy", tmp_path / "nothing.ipynb", None, "it is not JSON")
    result = grade(found, papers, None)
    assert (result.status, result.score) == ("unreadable", 0.0)
    assert result.problem == "it is not JSON"
    assert result.assignment == "toy"
    assert grade(replace(found, assignment="ps1"), papers, None).assignment == "ps1"


def test_a_class_in_real_sandboxes(papers, tmp_path):
    sources = {
        "ada": "def row_sums(matrix):\n    return matrix.sum(1)\n",
        "bob": "def row_sums(matrix):\n    return matrix.mean(1)\n",
        "eve": "import os\ndef row_sums(matrix):\n    os._exit(0)\n",
        "fay": "def row_sums(matrix):\n    raise NotImplementedError\n",
    }
    found = []
    for student, source in sources.items():
        path = tmp_path / f"{student}.py"
        path.write_text(source)
        found.append(Found(student, "toy", path, None, None))
    with Sandboxes(2) as sandboxes:
        results = {one.student: one for one in grade_all(found, {"toy": papers}, sandboxes)}
        assert {one.isolation for one in results.values()} == {sandboxes.level}
    statuses = {student: one.exercises[0].status for student, one in results.items()}
    assert statuses == {"ada": "pass", "bob": "fail", "eve": "crash", "fay": "not_started"}
    assert results["bob"].exercises[0].misconception == "mean"


def test_inputs_reach_every_call_unspoilt(exercise):
    seen = []

    def spoil(inputs):
        seen.append(inputs["matrix"].clone())
        inputs["matrix"].zero_()
        return Answer("value", value=torch.zeros(1))

    tried(exercise, spoil, spoil, spoil)
    again = [case.inputs["matrix"] for case in exercise.cases]
    assert all(torch.equal(one, two) for one, two in zip(seen, again, strict=True))


def test_a_value_that_breaks_the_comparison_costs_its_case_alone(exercise, monkeypatch):
    judged = batch.judge

    def fragile(exercise, case, got):
        if got.ndim == 3:
            raise RuntimeError("too large")
        return judged(exercise, case, got)

    monkeypatch.setattr(batch, "judge", fragile)
    found, _ = tried(exercise, right, Answer("value", value=torch.zeros(1, 1, 1)), right)
    assert [case.status for case in found.cases] == ["pass", "invalid_output", "pass"]


def test_a_file_that_breaks_the_reader_is_unreadable(papers, tmp_path, monkeypatch):
    def fragile(*_):
        raise RecursionError("too deep")

    monkeypatch.setattr(batch, "read", fragile)
    result = grade(Found("bob", "toy", tmp_path / "b.ipynb", None, None), papers, None)
    assert result.status == "unreadable"
    assert "too deep" in (result.problem or "")


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as sandbox:
        yield sandbox


def several(exercise, **facts):
    """Return papers with one exercise for each name, and the facts given for it."""
    exercises = [
        replace(exercise, id=f"toy/{name}", name=name, **changed) for name, changed in facts.items()
    ]
    return Papers.public(RecordedLab("toy", "A toy", "", "none", (), "", tuple(exercises)))


def graded(tmp_path, papers, sandbox, source):
    path = tmp_path / "ada.py"
    path.write_text(source)
    return grade(Found("ada", "toy", path), papers, sandbox)


def test_each_exercise_has_its_own_time_and_memory(exercise, sandbox, tmp_path):
    papers = several(
        exercise,
        small={"megabytes": 100},
        large={"megabytes": 900},
        hasty={"seconds": 0.5},
        patient={"seconds": 20.0},
    )
    source = """
        import time
        import torch

        def small(matrix):
            return matrix.sum(1) + torch.ones(400 * 2**18).sum() * 0

        large = small

        def hasty(matrix):
            time.sleep(1)
            return matrix.sum(1)

        patient = hasty
    """
    result = graded(tmp_path, papers, sandbox, dedent(source))
    statuses = {one.id.partition("/")[2]: one.status for one in result.exercises}
    assert statuses == {"small": "memory", "large": "pass", "hasty": "timeout", "patient": "pass"}


def test_the_limits_of_an_exercise_go_with_each_call(exercise):
    student = Scripted(right, right, right)
    attempt(student, replace(exercise, seconds=7.0, megabytes=77), exercise.cases, "row_sums")
    assert student.limits == {"seconds": 7.0, "megabytes": 77, "seed": batch.SEED}


def test_a_submission_costs_a_bounded_number_of_processes(exercise, sandbox, tmp_path):
    """The first, those after killing cells, and for each exercise its restart and the next's."""
    names = [f"answer_{place}" for place in range(4)]
    papers = several(exercise, **{name: {} for name in names})
    forks = []

    class Counted:
        level = sandbox.level

        def start(self, program):
            def fork(program):
                forks.append(program)
                return sandbox.server.fork(program)

            return StudentProcess(fork, program)

    deadly = """
        def {name}(matrix):
            threading.Thread(target=lambda: (time.sleep(0.002), os._exit(3))).start()
            return matrix.sum(1)
    """
    cells = ["import os, threading, time", "os._exit(1)", "os._exit(2)"]
    cells += [dedent(deadly.format(name=name)) for name in names]
    source = "".join(f"# %%\n{cell}\n" for cell in cells)
    result = graded(tmp_path, papers, Counted(), source)
    assert len(result.exercises) == len(names)
    most = 1 + (MAX_KILLING_CELLS - 1) + len(names) * (RESTARTS_PER_EXERCISE + 1)
    assert 3 < len(forks) <= most
