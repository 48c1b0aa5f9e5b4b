"""Killed at any moment and started again, a class is graded once: nothing lost, nothing twice."""

import contextlib
import json
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import psutil
import pytest
import small_class

from autograder.ledger import NAME
from autograder.results import Result, read_result

HERE = Path(__file__).parent
SECRET = HERE.parent / "data" / "course-secret.txt"
STUDENTS = 24
PATIENCE = 120.0
# Twenty points: so long after the start; a moment after so many more grades; after so many files.
chance = random.Random(20)
STARTING = [("seconds", chance.uniform(0.0, 2.5)) for _ in range(6)]
GRADING = [("grades", chance.randint(1, 2)) for _ in range(6)]
WRITING = [("files", chance.randint(0, STUDENTS)) for _ in range(8)]


class Graders:
    """Start graders one after the other, and kill them."""

    def __init__(self, submissions: Path) -> None:
        self.submissions = submissions
        self.server = subprocess.Popen(
            [sys.executable, HERE / "ready_grader.py"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self, out: Path, workers: int) -> psutil.Process:
        """Start `glassbox grade` on the class."""
        arguments = [
            *("grade", str(self.submissions), "--lab", small_class.LAB, "--out", str(out)),
            *("--secret", str(SECRET), "--workers", str(workers)),
        ]
        self.server.stdin.write(json.dumps(arguments) + "\n")
        self.server.stdin.flush()
        return psutil.Process(int(self.server.stdout.readline()))

    def end(self) -> int:
        """Wait for the grader to end by itself, and return its exit code."""
        return int(self.server.stdout.readline())

    def kill(self, grader: psutil.Process) -> bool:
        """Kill it, see that all it had started ends too, and say whether it was still there."""
        below = []
        with contextlib.suppress(psutil.NoSuchProcess):
            grader.suspend()
            below = grader.children(recursive=True)
            grader.kill()
        code = self.end()
        _, alive = psutil.wait_procs(below, PATIENCE)
        assert alive == []
        assert code in (0, -signal.SIGKILL)
        return code != 0

    def close(self) -> None:
        self.server.stdin.close()
        self.server.stdout.close()
        self.server.wait()


def grades(out: Path) -> int:
    """Return how many grades are in the ledger."""
    address = f"{(out / NAME).as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(address, uri=True)) as sql:
            return sql.execute("SELECT count(*) FROM results").fetchone()[0]
    except sqlite3.Error:  # there is no file yet, or no table
        return 0


def files(out: Path) -> int:
    """Return how many files have been written, or begun, from the ledger."""
    return len(list((out / "results").glob("*")))


def wait_for(what: str, amount: float, out: Path) -> None:
    """Wait until it is time to kill."""
    if what == "seconds":
        time.sleep(amount)
        return
    count = {"grades": grades, "files": files}[what]
    wanted = amount + (count(out) if what == "grades" else 0)
    deadline = time.monotonic() + PATIENCE
    while count(out) < wanted:
        assert time.monotonic() < deadline, f"no {wanted} {what}"
        time.sleep(0.001)
    time.sleep(chance.uniform(0.0, 0.05) if what == "grades" else 0)


def forget_files(out: Path) -> None:
    """Remove all that is written from the ledger."""
    shutil.rmtree(out / "results", ignore_errors=True)
    for name in ("grades.csv", "report.html"):
        (out / name).unlink(missing_ok=True)


def facts(out: Path) -> dict[str, Result]:
    """Return the results without what differs between any two runs."""
    read = {path.name: read_result(path) for path in (out / "results").iterdir()}
    for result in read.values():
        result.graded_at, result.wall_s = "", None
        for exercise in result.exercises:
            exercise.time_s, exercise.peak_rss_mb = 0.0, None
    return read


@pytest.fixture
def graders(tmp_path):
    small_class.write(tmp_path / "submissions", STUDENTS)
    (tmp_path / "submissions" / "broken.ipynb").write_text("{")
    graders = Graders(tmp_path / "submissions")
    yield graders
    graders.close()


@pytest.mark.slow
def test_a_class_killed_at_twenty_random_points_is_complete_and_right(graders, tmp_path):
    out, undisturbed = tmp_path / "out", tmp_path / "undisturbed"
    for point in STARTING + GRADING:
        grader = graders.start(out, workers=1)
        wait_for(*point, out)
        assert graders.kill(grader), f"it had ended before {point}"
    graders.start(out, workers=1)
    assert graders.end() == 0
    for point in WRITING:
        killed = False
        while not killed:  # it may be done before we are
            forget_files(out)
            grader = graders.start(out, workers=1)
            wait_for(*point, out)
            killed = graders.kill(grader)
    for folder in (out, undisturbed):
        graders.start(folder, workers=2)
        assert graders.end() == 0

    assert facts(out) == facts(undisturbed)
    assert len(facts(out)) == STUDENTS + 1
    assert (out / "grades.csv").read_bytes() == (undisturbed / "grades.csv").read_bytes()
    assert list(out.rglob(".*")) == []
    with closing(sqlite3.connect(out / NAME)) as sql:
        states = sql.execute("SELECT state, attempts, count(*) FROM jobs GROUP BY 1, 2").fetchall()
        assert states == [("done", 1, STUDENTS + 1)]
        assert grades(out) == STUDENTS + 1
