"""What our grading takes: a class through the ledger, the bare code in it, and a sandbox."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from autograder.batch import Papers, attempt_lab, grade
from autograder.bench import memory
from autograder.bench.bare import WarmProcess, Work
from autograder.bench.classroom import Student
from autograder.bench.environment import BenchError
from autograder.bench.mistakes import LAB
from autograder.bench.observed import ObservedSandbox
from autograder.bench.rows import Row, median_row
from autograder.dispatch import grade_jobs
from autograder.executors.local import LocalExecutor
from autograder.gradesheet import write_result
from autograder.jobs import make_jobs
from autograder.ledger import Ledger
from autograder.results import Result
from autograder.sandbox import Program, Sandbox
from autograder.submissions import Found, Submission, read

SERVER_MB, CHILD_MB = 450.0, 20.0
FORKS = 21


class Ours:
    """Our grader, to be timed on a class; all its numbers are seconds a submission."""

    def __init__(self, folder: Path, class_: Sequence[Student], found: list[Found]) -> None:
        """Write to `folder`; `found` are the class's notebooks."""
        self.folder, self.class_, self.found = folder, class_, found
        self.papers: Papers

    def grade(self, workers: int) -> float:
        """Time a batch, as `glassbox grade` does it, from running sandboxes to written results.

        Raises:
            BenchError: an answer was not judged as it was made.

        """
        out = self.folder / f"ledger-{time.monotonic_ns()}"
        with closing(LocalExecutor(workers)) as executor, Ledger(out) as ledger:
            for job in make_jobs(self.found[:workers], {LAB: self.papers}):
                executor.submit(job).result()  # a sandbox's first is slower
            started = time.perf_counter()
            results = []
            jobs = ledger.plan(make_jobs(self.found, {LAB: self.papers})).to_do
            for outcome in grade_jobs(jobs, executor, ledger):
                write_result(outcome.result, out / "results")
                results.append(outcome.result)
            seconds = time.perf_counter() - started
        self._require(results)
        return seconds / len(self.found)

    def grade_in_full(self, sample: Sequence[str]) -> float:
        """Time the students of a sample with every cell run, the course's demonstrations too."""
        with Sandbox() as sandbox:
            attempt_lab("first", self._read(self.found[0]).in_full(), self.papers, sandbox)
            started = time.perf_counter()
            for one in self.found:
                if one.student in sample:
                    submission = self._read(one).in_full()
                    attempt_lab(one.student, submission, self.papers, sandbox)
            return (time.perf_counter() - started) / len(sample)

    def run_bare(self) -> float:
        """Time the same cells and calls with nothing of ours around them."""
        with WarmProcess() as warm:
            costs = [
                warm.run(Work.of(self._read(one), one.student, self.papers)).seconds
                for one in (self.found[0], *self.found)  # the first is slower
            ]
        return sum(costs[1:]) / len(self.found)

    def run_command(self, secret: Path) -> float:
        """Time the whole command, from a process that starts to one that has ended."""
        out = self.folder / f"out-{time.monotonic_ns()}"
        command = [sys.executable, "-m", "autograder.cli", "grade", str(self.folder / "submitted")]
        command += ["--out", str(out), "--secret", str(secret), "--workers", "1"]
        started = time.perf_counter()
        done = subprocess.run(
            command,
            env={**os.environ, "XDG_CONFIG_HOME": str(self.folder)},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise BenchError(f"glassbox grade failed: {done.stderr.strip()}")
        return (time.perf_counter() - started) / len(self.found)

    def sandbox_rows(self) -> list[Row]:
        """Measure a start from nothing, a fork, and what memory the processes take."""
        started, others = time.perf_counter(), memory.descendants()
        with ObservedSandbox() as sandbox:
            sandbox.watch.start_round()
            grade(self.found[0], self.papers, sandbox)
            first = time.perf_counter() - started
            taken = [_fork_ms(sandbox) for _ in range(FORKS)]
            rows = self._memory_rows(sandbox, memory.descendants() - others)
        return [
            Row("a sandbox started, and the first result there", first, "s", 1),
            median_row("fork and confine a process", taken, "ms"),
            *rows,
        ]

    def _memory_rows(self, sandbox: ObservedSandbox, servers: set[int]) -> list[Row]:
        """Measure when a submission is done, which is when its process is largest."""
        others, taken = memory.descendants() - servers, []

        def measure() -> None:
            taken.append(sum(map(memory.private, memory.descendants() - others - servers)))

        sandbox.at_end = measure
        try:
            server = max(map(memory.resident, servers))
            for one in self.found[:FORKS]:
                grade(one, self.papers, sandbox)
        except PermissionError:  # an ordinary user may not look into a process of another's
            return []
        return [
            Row("memory of the fork server", server, "MB", 1, limit=SERVER_MB),
            median_row("memory of a student's process, at its end", taken, "MB", limit=CHILD_MB),
        ]

    def _read(self, one: Found) -> Submission:
        return read(one.path, LAB, [exercise.name for exercise in self.papers.lab.exercises])

    def _require(self, results: list[Result]) -> None:
        """Check that what was timed was grading: every answer judged as it was made."""
        wrong = {one.name: one.wrong for one in self.class_}
        for result in results:
            for exercise in result.exercises:
                expected = wrong[result.student].get(exercise.id.partition("/")[2])
                got = exercise.misconception if exercise.status != "pass" else None
                if (exercise.status == "pass") == bool(expected) or got != expected:
                    raise BenchError(
                        f"{result.student}, {exercise.id}: expected {expected or 'pass'}, got "
                        f"{exercise.status}, {exercise.misconception}: {result.problem or ''}"
                    )


def _fork_ms(sandbox: Sandbox) -> float:
    started = time.perf_counter()
    with sandbox.start(Program(cells=())):
        return 1000 * (time.perf_counter() - started)
