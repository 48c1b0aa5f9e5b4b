"""Grade a class of a thousand, kill the grader twice on the way, and check what comes of it.

    python tests/benchmarks/thousand.py [--count 1000] [--workers 2] [--folder out/thousand]

It takes minutes, so it is run by hand. The last line is JSON: what was graded, and the seconds that
one submission took, start of the sandboxes included.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import psutil

from autograder.ledger import NAME, read_gradebook
from autograder.recorded import load_lab
from autograder.results import Result

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS / "data"))
from make_thousand import make_class  # noqa: E402

KILLS = (1 / 3, 2 / 3)
PATIENCE = 120.0


def main() -> None:
    """Make the class, grade it with two interruptions, and check every grade."""
    options = arguments()
    shutil.rmtree(options.folder, ignore_errors=True)
    expected = make_class(options.folder / "class", options.count)
    out = options.folder / "out"
    seconds = 0.0
    for share in (*KILLS, None):
        started = time.monotonic()
        grader = start(options.folder / "class", out, options.workers)
        if share is None:
            assert grader.wait() == 0, f"exit status {grader.returncode}"
        else:
            kill(grader, out, int(share * options.count))
        seconds += time.monotonic() - started
        print(f"{done(out)} of {options.count} graded after {seconds:.0f} s", flush=True)
    check(out, expected)
    rate = {"submissions": options.count, "workers": options.workers, "kills": len(KILLS)}
    print(json.dumps({**rate, "seconds": round(seconds, 1), "each": seconds / options.count}))


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--folder", type=Path, default=Path("out/thousand"))
    return parser.parse_args()


def start(submissions: Path, out: Path, workers: int) -> psutil.Popen:
    """Start `glassbox grade`; what it prints goes to a file beside its results."""
    command = [sys.executable, "-m", "autograder.cli", "grade", str(submissions)]
    secret = ["--secret", str(TESTS / "data" / "course-secret.txt")]
    out.mkdir(exist_ok=True)
    with (out / "printed.txt").open("ab") as printed:
        return psutil.Popen(
            [*command, "--out", str(out), "--workers", str(workers), *secret],
            stdout=printed,
            stderr=subprocess.STDOUT,
        )


def kill(grader: psutil.Popen, out: Path, count: int) -> None:
    """Kill it once so many are graded, and see that nothing it had started stays."""
    while done(out) < count:
        assert grader.poll() is None, f"it ended by itself, with {grader.returncode}"
        time.sleep(0.05)
    grader.suspend()
    below = grader.children(recursive=True)
    grader.kill()
    assert grader.wait() == -signal.SIGKILL
    assert psutil.wait_procs(below, PATIENCE)[1] == [], "a process outlives the grader"


def done(out: Path) -> int:
    """Return how many scores are in the ledger."""
    try:
        with closing(
            sqlite3.connect(f"{(out / NAME).resolve().as_uri()}?mode=ro", uri=True)
        ) as sql:
            return sql.execute("SELECT count(*) FROM results").fetchone()[0]
    except sqlite3.Error:  # not there yet
        return 0


def check(out: Path, expected: dict[tuple[str, str], dict[str, str]]) -> None:
    """See that every submission was graded once, and that every grade is the right one."""
    got = {(grade.result.student, grade.result.lab): grade for grade in read_gradebook(out)}
    assert set(got) == set(expected), "not the submissions that were handed in"
    wrong = [
        place for place in expected if not agree(found(got[place].result), whole(place, expected))
    ]
    assert not wrong, f"{len(wrong)} wrong, the first {wrong[:5]}"
    assert not any(grade.failed for grade in got.values())
    assert len(list((out / "results").iterdir())) == len(expected)
    with closing(sqlite3.connect(out / NAME)) as sql:
        states = sql.execute("SELECT state, count(*) FROM jobs GROUP BY state").fetchall()
    assert states == [("done", len(expected))], states


def agree(got: dict[str, str], wanted: dict[str, str]) -> bool:
    """Compare statuses; on a busy machine a memory bomb may run out of time first, for 0 too."""
    return got.keys() == wanted.keys() and all(
        got[name] == status or (status, got[name]) == ("memory", "timeout")
        for name, status in wanted.items()
    )


def found(result: Result) -> dict[str, str]:
    """Return each exercise's status and misconception, as `expected.json` has them."""
    return {
        one.id.partition("/")[2]: "/".join(filter(None, (one.status, one.misconception)))
        for one in result.exercises
    }


def whole(
    place: tuple[str, str], expected: dict[tuple[str, str], dict[str, str]]
) -> dict[str, str]:
    """Return what is expected of all exercises; those that are not named pass."""
    passed = {exercise.name: "pass" for exercise in load_lab(place[1]).exercises}
    return {**passed, **expected[place]}


if __name__ == "__main__":
    main()
