"""`report`, `explain`, `regrade` and `--solutions`, as an instructor uses them."""

import json
import shutil
from concurrent.futures import Future
from contextlib import nullcontext

import pytest
import toy_course
from typer.testing import CliRunner

from autograder.batch import grade
from autograder.cli import app
from autograder.executors.choose import Workers
from autograder.exports import read_results
from autograder.recorded import _load_lab
from autograder.sandbox import Sandbox, SandboxError


class OneSandbox:
    """An executor that is never closed: to start one costs more than all that is tested here."""

    places = 1

    def __init__(self, sandbox):
        self.sandbox, self.level, self.reasons = sandbox, sandbox.level, sandbox.reasons

    def submit(self, job, *, fresh=False):
        done = Future()
        done.set_result(grade(job.found, job.papers, self.sandbox, sha256=job.file_sha256))
        return done

    def close(self):
        pass


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("course")
    with pytest.MonkeyPatch.context() as patch, Sandbox() as sandbox:
        toy_course.install(root, patch)
        patch.setattr("os.cpu_count", lambda: 1)  # the processes of another would not know the toy
        patch.setattr(Workers, "start", lambda _self, _jobs: OneSandbox(sandbox))
        patch.setattr("autograder.explain.Sandbox", lambda _level: nullcontext(sandbox))
        yield root


@pytest.fixture(scope="module")
def graded(root):
    """Return the folder of a graded class that no test writes to."""
    ran = glassbox(root, "grade", root / "class", "--out", root / "out")
    assert ran.exit_code == 0, ran.output
    return root / "out"


@pytest.fixture
def copied(graded, tmp_path):
    """Return a copy that a test may write to."""
    return shutil.copytree(graded, tmp_path / "out")


def glassbox(root, command, *arguments):
    secret = [] if command == "report" else ["--secret", root / "secret"]
    every = [command, *arguments, *secret]
    return CliRunner().invoke(
        app, [*map(str, every)], catch_exceptions=False, env={"COLUMNS": "100"}
    )


def refused(root, *arguments):
    ran = glassbox(root, *arguments)
    assert ran.exit_code == 2, ran.output
    assert ran.stderr.startswith("glassbox: ")
    assert "Traceback" not in ran.output
    return " ".join(ran.stderr.split())


def contents(folder):
    return {
        path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def scores(folder):
    return {one.student: one.score for one in read_results(folder)}


def test_results_hold_what_a_later_regrade_compares(graded):
    ada = json.loads((graded / "results" / "ada--toy.json").read_text())
    assert len(ada["file_sha256"]) == len(ada["grader"]["references_sha256"]) == 64
    assert ada["wall_s"] > 0
    assert ada["exercises"][0]["equals_solution"] is True  # with other names than the shipped one
    bob = json.loads((graded / "results" / "bob--toy.json").read_text())
    assert bob["exercises"][0]["equals_solution"] is False
    assert bob["exercises"][0]["code_sha256"] != ada["exercises"][0]["code_sha256"]


def test_results_of_before_are_still_read(copied):
    path = copied / "results" / "bob--toy.json"
    old = json.loads(path.read_text())
    for name in ("file_sha256", "wall_s"):
        del old[name]
    del old["grader"]["references_sha256"]
    for name in ("code_sha256", "code_size", "equals_solution"):
        del old["exercises"][0][name]
    path.write_text(json.dumps(old))
    assert glassbox(None, "report", copied).exit_code == 0


def test_report_writes_the_page_again(graded, tmp_path, root):
    page = (graded / "report.html").read_text()
    ran = glassbox(root, "report", graded, "--out", tmp_path / "page.html")
    assert ran.exit_code == 0
    assert (tmp_path / "page.html").read_text() == page
    assert "Equal to a shipped solution" in page
    assert "nowhere" in refused(root, "report", tmp_path / "nowhere")


def test_explain_shows_inputs_both_answers_and_the_idea(graded, root):
    ran = glassbox(root, "explain", "bob", "toy/row_sums", "--out", graded)
    assert ran.exit_code == 0, ran.output
    first, *_ = ran.stdout.splitlines()
    assert first == "bob, toy/row_sums: fail, 0 of 2 points (0 of 5 cases)"
    for told in (
        "misconception: mean (exact)",
        "hint: Divide?",
        "matrix: float32",
        "expected",
        "*",
    ):
        assert told in ran.stdout
    assert "*" in next(line for line in ran.stdout.splitlines() if line.startswith(" got"))
    assert ran.stdout.count("inputs") == 1


def test_explain_chooses_cases_and_finds_an_exercise_by_its_name(graded, root):
    every = glassbox(root, "explain", "bob", "row_sums", "--out", graded, "--case", "all").stdout
    assert every.count("inputs") == 5
    name = every.partition("hidden-")[2].split()[0]
    one = glassbox(root, "explain", "bob", "row_sums", "--out", graded, "--case", f"hidden-{name}")
    assert one.stdout.count("inputs") == 1
    assert f"hidden-{name}: fail" in one.stdout


def test_explain_tells_an_error_without_obeying_it(graded, root):
    ran = glassbox(root, "explain", "eve", "row_sums", "--out", graded)
    assert "RuntimeError" in ran.stdout
    assert "got: no value" in ran.stdout
    assert "\x1b" not in ran.stdout


def test_explain_says_what_is_not_as_it_was_graded(graded, root, tmp_path):
    path = tmp_path / "anything.py"
    path.write_text(toy_course.CLASS["ada"])
    ran = glassbox(root, "explain", "bob", "row_sums", path, "--out", graded)
    assert "! the file has changed since it was graded" in ran.stdout
    assert "! it was graded fail, and is pass now" in ran.stdout
    folder = toy_course.variant(root, **{"return total": "return 2 * total"})
    told = glassbox(root, "explain", "bob", "row_sums", "--out", graded, "--solutions", folder)
    assert "! the hidden bank is another one" in told.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["bobb", "row_sums"], "did you mean 'bob'"),
        (["bob", "row_sum"], "did you mean 'row_sums'"),
        (["bob", "toys/row_sums"], "did you mean 'toy'"),
        (["bob", "row_sums", "--case", "hidden-99"], "bob's are hidden-"),
        (["bob", "row_sums", "nowhere"], "nowhere"),
        (["nobody", "row_sums", "{root}/class"], "no submission of 'nobody'"),
        (["bob", "row_sums", "--isolation", "vault"], "vault"),
    ],
)
def test_explain_says_what_is_wrong(graded, root, arguments, told):
    filled = [argument.format(root=root) for argument in arguments]
    assert told in refused(root, "explain", *filled, "--out", graded)


def test_explain_needs_the_submission(copied, root):
    bob = ["explain", "bob", "row_sums", "--out", copied]
    path = copied / "results" / "bob--toy.json"
    result = json.loads(path.read_text())
    path.write_text(json.dumps(result | {"path": "moved/toy.py"}))
    assert "no such file is there now" in refused(
        root, "explain", "bob", "row_sums", "--out", copied
    )
    unread = {"status": "unreadable", "file_sha256": None, "problem": "toy.py is a link"}
    path.write_text(json.dumps(result | unread))
    assert "toy.py is a link" in refused(root, *bob)


def test_regrade_finds_nothing_where_nothing_changed_and_writes_nothing(copied, root):
    before = contents(copied)
    ran = glassbox(root, "regrade", copied, "--diff")
    assert ran.exit_code == 0, ran.output
    assert "5 graded again, 0 scores would change, 0 left as they are" in ran.stdout
    assert contents(copied) == before


def test_regrade_tells_a_changed_file_and_writes_when_told_to(copied, root):
    path = root / "class" / "submitted" / "bob" / "ps1" / "toy.py"
    path.write_text(toy_course.CLASS["ada"])
    try:
        before = contents(copied)
        told = glassbox(root, "regrade", copied).stdout
        row = next(line for line in told.splitlines() if line.split()[:1] == ["bob"])
        for part in ("0 → 2", "row_sums", "✗ fail, 0/2", "✓ pass, 2/2", "file"):
            assert part in row
        assert "file: the submission's file has changed" in told
        assert "1 scores would change" in told
        assert contents(copied) == before
        wrote = glassbox(root, "regrade", copied, "--write")
        assert "1 scores changed" in wrote.stdout
        assert scores(copied)["bob"] == 2
        assert '"bob","toy","row_sums","pass",2.0,2.0,""' in (copied / "grades.csv").read_text()
        kept = glassbox(root, "grade", root / "class", "--out", copied)
        assert "5 kept, nothing to grade" in kept.stdout
    finally:
        path.write_text(toy_course.CLASS["bob"])


def test_regrade_tells_changed_references(copied, root, monkeypatch):

    path = root / "autograder" / "references" / "toy.json"
    recorded = path.read_text()
    data = json.loads(recorded)
    data["exercises"][0]["tolerance"] = 1e-4  # wide enough for cleo
    path.write_text(json.dumps(data))
    monkeypatch.setattr("autograder.recorded._load_lab", _load_lab.__wrapped__)  # remembers nothing
    try:
        told = glassbox(root, "regrade", copied).stdout
    finally:
        path.write_text(recorded)
    row = next(line for line in told.splitlines() if line.split()[:1] == ["cleo"])
    assert "references" in row
    assert "the lab's points, tolerances, limits or texts have changed" in told


def test_what_cannot_be_graded_again_stays(copied, root):
    path = copied / "results" / "bob--toy.json"
    result = json.loads(path.read_text())
    path.write_text(json.dumps(result | {"path": "moved/toy.py", "score": 1.5}))
    ran = glassbox(root, "regrade", copied, "--write")
    assert "bob, toy: left as it is: moved/toy.py is not there" in ran.stdout
    assert "4 graded again" in ran.stdout


def test_a_folder_without_a_ledger_loses_nobody(copied, root):
    for path in copied.glob("ledger*"):
        path.unlink()
    path = copied / "results" / "bob--toy.json"
    result = json.loads(path.read_text())
    path.write_text(json.dumps(result | {"path": "moved/toy.py"}))
    before = scores(copied)
    ran = glassbox(root, "regrade", copied, "--write")
    assert ran.exit_code == 0, ran.output
    assert scores(copied) == before
    assert '"bob","toy","row_sums"' in (copied / "grades.csv").read_text()


def test_trouble_of_ours_never_takes_a_score_away(copied, root, monkeypatch):
    def trouble(*_):
        raise SandboxError("no memory left")

    monkeypatch.setattr("autograder.batch._grade_submission", trouble)
    before = scores(copied)
    ran = glassbox(root, "regrade", copied, "--write")
    assert ran.exit_code == 3
    assert "left as it is: no memory left" in ran.stdout
    assert scores(copied) == before


def test_a_private_variant_decides_what_is_right(copied, root, tmp_path):
    folder = toy_course.variant(root, **{"return total": "return 2 * total"})
    toy_course.hand_in(tmp_path, "gus", "def row_sums(matrix):\n    return 2 * matrix.sum(1)\n")
    out = tmp_path / "graded"
    ran = glassbox(root, "grade", tmp_path / "class", "--out", out, "--solutions", folder)
    assert ran.exit_code == 0, ran.output
    assert scores(out) == {"gus": 2}
    told = glassbox(root, "regrade", out).stdout
    assert "2 → 0" in told
    assert "bank: the hidden bank is another one" in told
    again = glassbox(root, "regrade", out, "--solutions", folder).stdout
    assert "0 scores would change" in again


@pytest.mark.parametrize(
    ("solution", "told"),
    [
        (None, "there is no lab 'toy'"),
        ("def row_sums(matrix:", "line 1: not Python"),
        ("import no_such_module", "line 1: ModuleNotFoundError: No module named 'no_such_module'"),
        ("x = 1", "defines no function row_sums"),
        ("def row_sums(rows): return rows", "row_sums takes (rows), but students' functions"),
        ("def row_sums(matrix): return matrix.no", "line 1: row_sums fails on hidden-1"),
        ("def row_sums(matrix): return matrix.sum(0)", "the misconception column_sums differs"),
    ],
)
def test_a_variant_that_cannot_be_used_says_why(root, tmp_path, solution, told):
    if solution is not None:
        (tmp_path / "toy.py").write_text(solution)
    arguments = ["grade", root / "class", "--out", tmp_path / "out", "--solutions", tmp_path]
    assert told in refused(root, *arguments)
    assert not (tmp_path / "out" / "results").exists()
