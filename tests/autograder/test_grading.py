"""`glassbox grade` goes on where it stopped, and its files say what the ledger says."""

import csv
from concurrent.futures import Future

import pytest
import small_class
from typer.testing import CliRunner

from autograder import grading
from autograder.batch import Papers, infrastructure
from autograder.cli import app
from autograder.executors.choose import Workers
from autograder.ledger import Ledger
from autograder.results import ExerciseResult, read_result
from autograder.sandbox import SandboxError


class Fake:
    """Gives every exercise full marks, and nothing at all to students in trouble."""

    level, reasons, places = "landlock", (), 1

    def __init__(self):
        self.trouble, self.asked, self.closed = set(), [], False

    def submit(self, job, *, fresh=False):
        self.asked.append(job.found.student)
        open_result = infrastructure(job.found, job.papers, "no memory left")
        exercises = [
            ExerciseResult(id=one.id, status="pass", score=one.points, max_score=one.points)
            for one in job.papers.lab.exercises
        ]
        facts = {"exercises": exercises, "score": 15.0, "isolation": "landlock"}
        scored = open_result.model_copy(update={**facts, "status": "graded", "problem": None})
        future = Future()
        future.set_result(open_result if job.found.student in self.trouble else scored)
        return future

    def close(self):
        self.closed = True


@pytest.fixture
def executor(monkeypatch):
    executor = Fake()
    monkeypatch.setattr(Workers, "start", lambda *_: executor)
    papers = {small_class.LAB: Papers.public(small_class.lab())}
    monkeypatch.setattr(grading, "papers_for", lambda *_: papers)
    return executor


@pytest.fixture
def folder(tmp_path):
    small_class.write(tmp_path / "submissions", 3)
    (tmp_path / "secret").write_text("a secret for tests only")
    return tmp_path


def grade(folder, *more, what="submissions"):
    where = [str(folder / what), "--lab", small_class.LAB, "--out", str(folder / "out")]
    ran = CliRunner().invoke(app, ["grade", *where, "--secret", str(folder / "secret"), *more])
    return ran.exit_code, " ".join(ran.output.split())


def scores(folder):
    with (folder / "out" / "grades.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {row["student"]: row["score"] for row in rows if row["exercise"] == "mlp"}


def test_a_class_is_graded_once_and_then_kept(executor, folder):
    code, told = grade(folder)
    assert code == 0
    assert "0 kept, 3 graded in" in told
    assert executor.closed
    code, told = grade(folder)
    assert code == 0
    assert "3 kept, nothing to grade" in told
    assert executor.asked == ["student000", "student001", "student002"]


def test_only_a_changed_and_a_new_submission_are_graded(executor, folder):
    grade(folder)
    executor.asked.clear()
    (folder / "submissions" / "student001.py").write_text("x = 1\n")
    (folder / "submissions" / "late.py").write_text("x = 1\n")
    _, told = grade(folder)
    assert executor.asked == ["late", "student001"]
    assert "2 kept, 2 graded" in told


def test_a_late_submission_joins_the_gradebook_but_not_the_table(executor, folder):
    grade(folder)
    (folder / "late.py").write_text("x = 1\n")
    code, told = grade(folder, what="late.py")
    assert code == 0
    assert "student001" not in told
    assert list(scores(folder)) == ["late", "student000", "student001", "student002"]
    assert "student001" in (folder / "out" / "report.html").read_text()


def test_fresh_grades_all_again(executor, folder):
    grade(folder)
    grade(folder, "--fresh")
    assert len(executor.asked) == 6


def test_trouble_is_exit_3_an_empty_score_and_tried_again(executor, folder):
    executor.trouble = {"student001"}
    code, told = grade(folder)
    assert code == 3
    assert "3 graded, 2 tried again" in told
    assert "student001: infrastructure: no memory left" in told
    assert scores(folder) == {"student000": "2.0", "student001": "", "student002": "2.0"}
    executor.trouble = set()
    code, told = grade(folder)
    assert code == 0
    assert "2 kept, 1 graded" in told
    assert scores(folder)["student001"] == "2.0"


def test_trouble_leaves_the_earlier_score_and_says_so(executor, folder):
    grade(folder)
    executor.trouble = {"student001"}
    code, told = grade(folder, "--fresh")
    assert code == 3
    assert scores(folder)["student001"] == "2.0"
    assert "student001: graded: an earlier score" in told
    result = read_result(folder / "out" / "results" / f"student001--{small_class.LAB}.json")
    assert result.score == 15.0


def test_files_come_back_from_the_ledger_and_half_ones_go(executor, folder):
    grade(folder)
    out = folder / "out"
    before = {path: path.read_bytes() for path in (out / "results").iterdir()}
    for path in before:
        path.unlink()
    for half in (out / "results" / ".ada--x.json.abcd1234", out / ".grades.csv.abcd1234"):
        half.write_text("half a fi")
    (out / ".keep.me.abcd1234").write_text("of somebody else")
    grade(folder)
    assert {path: path.read_bytes() for path in (out / "results").iterdir()} == before
    assert [path.name for path in out.glob(".*")] == [".keep.me.abcd1234"]


def test_what_was_done_is_written_when_grading_ends_early(executor, folder, monkeypatch):
    def start(*_):
        raise SandboxError("no sandbox starts")

    grade(folder)
    (folder / "late.py").write_text("x = 1\n")
    (folder / "out" / "grades.csv").unlink()
    monkeypatch.setattr(Workers, "start", start)
    code, told = grade(folder, what="late.py")
    assert (code, "no sandbox starts" in told) == (2, True)
    assert list(scores(folder)) == ["student000", "student001", "student002"]


def test_what_an_earlier_run_has_left_is_told(executor, folder, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(Workers, "start", lambda *_: (_ for _ in ()).throw(SandboxError("none")))
        grade(folder)
    _, told = grade(folder, what="submissions/student001.py")
    assert "2 more of an earlier run wait" in told


def test_two_graders_do_not_share_a_folder(executor, folder):
    with Ledger(folder / "out"):
        code, told = grade(folder)
    assert code == 2
    assert "is being graded into by another process" in told
    assert executor.asked == []


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--scheduler", "tcp://10.0.0.5:8786"], "--tls-ca, --tls-cert and --tls-key"),
        (["--scheduler", "tls://10.0.0.5:8786"], "needs --tls-ca"),
        (["--isolation", "vault"], "vault"),
    ],
)
def test_bad_options_are_told_before_anything_is_made(folder, options, told):
    code, output = grade(folder, *options)
    assert code == 2
    assert told in output
    assert not (folder / "out").exists()
