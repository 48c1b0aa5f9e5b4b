"""The speed of grading a class, beside nbgrader and Otter on the same notebooks and cores.

Every round measures all graders one after another, so that a busy machine is unfair to none. Ours
grades the whole class in each; the peers, which take seconds a notebook, grade another part of it
in each, so that all rounds together cover it. All numbers are seconds a submission on one core, but
where a row says otherwise.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from autograder.bank import open_bank
from autograder.batch import Papers, Sandboxes, grade, grade_all
from autograder.bench import memory
from autograder.bench.bare import WarmProcess, Work
from autograder.bench.classroom import Student, hand_in, students
from autograder.bench.environment import BenchError
from autograder.bench.mistakes import LAB
from autograder.bench.observed import ObservedSandbox
from autograder.bench.peers import Nbgrader, Otter, Peer
from autograder.bench.rows import Row, median_row
from autograder.gradesheet import write_result
from autograder.results import Result
from autograder.sandbox import Program, Sandbox
from autograder.submissions import Found, discover, read

SECRET = b"a secret that only the benchmark uses"
MS_OVER_BARE, SERVER_MB, CHILD_MB = 60.0, 450.0, 20.0
FORKS = 21


@contextmanager
def on(cores: Sequence[int]) -> Iterator[None]:
    """Keep this thread, and the processes and threads that it starts, to some cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@dataclass
class Times:
    """Seconds a submission, by what was measured, one number a round."""

    rounds: dict[str, list[float]] = field(default_factory=dict)

    def note(self, name: str, seconds: float) -> None:
        """Add a round's number."""
        self.rounds.setdefault(name, []).append(seconds)

    def __getitem__(self, name: str) -> list[float]:
        return self.rounds[name]


class Grading:
    """The benchmark: prepare it, run its rounds, read its rows."""

    def __init__(self, folder: Path, python: Path | None, count: int) -> None:
        """Lay out a class of `count` notebooks under `folder`; without `python` leave peers out."""
        self.folder = folder
        self.class_: list[Student] = students(count)
        hand_in(folder, self.class_)
        self.found: list[Found] = discover([folder], lab=LAB)
        cores = sorted(os.sched_getaffinity(0))
        self.one, self.two = cores[-1:], cores[-2:]
        self.peers: list[Peer] = []
        if python:
            for kind in (Nbgrader, Otter):
                own = folder / kind.__name__.lower()
                own.mkdir()
                self.peers.append(kind(python, own, folder / "submitted", LAB))
        self.times = Times()
        self.rows: list[Row] = []
        self.papers: Papers

    def make_bank(self) -> None:
        """Make the hidden bank, which a course does once."""
        started = time.perf_counter()
        with on(self.one):
            bank = open_bank(LAB, SECRET, folder=self.folder / "glassbox" / "banks")
        self.papers = Papers.hidden(bank)
        seconds = time.perf_counter() - started
        self.rows.append(Row("hidden bank, made once for a course", seconds, "s", 1))
        (self.folder / "secret").write_bytes(SECRET)

    def measure_sandbox(self) -> None:
        """Measure a start from nothing, a fork, and what memory the processes take."""
        with on(self.one):
            started, others = time.perf_counter(), memory.descendants()
            with Sandboxes(1) as sandboxes:
                next(iter(grade_all(self.found[:1], {LAB: self.papers}, sandboxes)))
                first = time.perf_counter() - started
                with sandboxes.lent() as sandbox:
                    self._measure_forks(sandbox)
            others = memory.descendants()
            with ObservedSandbox() as sandbox:
                self._measure_memory(sandbox, memory.descendants() - others)
        self.rows.append(Row("sandbox started and first result there", first, "s", 1))

    def _measure_forks(self, sandbox: Sandbox) -> None:
        taken = []
        for _ in range(FORKS):
            started = time.perf_counter()
            with sandbox.start(Program(cells=())):
                taken.append(1000 * (time.perf_counter() - started))
        self.rows.append(median_row("fork and confine a process", taken, "ms"))

    def _measure_memory(self, sandbox: ObservedSandbox, servers: set[int]) -> None:
        """Measure when a submission is done, which is when its process is largest."""
        taken = []

        def measure() -> None:
            own = memory.descendants() - others - servers
            taken.append(sum(map(memory.private, own)))

        others = memory.descendants() - servers
        sandbox.at_end = measure
        try:
            server = max(map(memory.resident, servers))
            for one in self.found[:FORKS]:
                sandbox.watch.start_round()
                grade(one, self.papers, sandbox)
        except PermissionError:  # an ordinary user may not look into a process of another's
            return
        self.rows.append(Row("memory of the fork server", server, "MB", 1, limit=SERVER_MB))
        self.rows.append(median_row("memory of a student's process", taken, "MB", limit=CHILD_MB))

    def prepare_peers(self) -> None:
        """Let the peers do what they do once."""
        for peer in self.peers:
            peer.prepare()

    def run_round(self, number: int, of: int) -> Iterator[str]:
        """Measure everything once, saying what comes next."""
        with ExitStack() as stack:
            stack.enter_context(on(self.one))
            yield "ours, one worker"
            self.time_ours("one worker", 1)
            yield "the students' bare code"
            self.time_bare()
            yield "glassbox grade, from start to end"
            self._whole_command(number)
            for peer in self.peers:
                sample = [one.name for one in self.class_[number::of]]
                yield f"{peer.name}, {len(sample)} notebooks"
                self.times.note(peer.name, peer.grade(sample) / len(sample))
        if len(self.two) > 1:
            yield "ours, two workers"
            with on(self.two):
                self.time_ours("two workers", 2)

    def time_ours(self, name: str, workers: int) -> None:
        """Note the seconds a submission, from a running sandbox to a written result.

        Raises:
            BenchError: an answer was not judged as it was made.

        """
        with Sandboxes(workers) as sandboxes:
            list(
                grade_all(self.found[:workers], {LAB: self.papers}, sandboxes)
            )  # the first is slower
            started = time.perf_counter()
            results = []
            for result in grade_all(self.found, {LAB: self.papers}, sandboxes):
                write_result(result, self.folder / "results")
                results.append(result)
            self.times.note(name, (time.perf_counter() - started) / len(results))
        self._require_ours(results)

    def time_bare(self) -> None:
        """Note what the same cells and calls take with nothing of ours around them."""
        names = [exercise.name for exercise in self.papers.lab.exercises]
        with WarmProcess() as warm:
            costs = [
                warm.run(Work.of(read(one.path, LAB, names), one.student, self.papers)).seconds
                for one in (self.found[0], *self.found)  # the first is slower
            ]
        self.times.note("bare", sum(costs[1:]) / len(self.found))

    def _whole_command(self, number: int) -> None:
        out = self.folder / f"out-{number}"
        command = [sys.executable, "-m", "autograder.cli", "grade", str(self.folder / "submitted")]
        command += ["--out", str(out), "--secret", str(self.folder / "secret"), "--workers", "1"]
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
        self.times.note("whole", (time.perf_counter() - started) / len(self.found))

    def _require_ours(self, results: list[Result]) -> None:
        """Check that what was timed was grading: every answer judged as it was made."""
        wrong = {one.name: one.wrong for one in self.class_}
        for result in results:
            for exercise in result.exercises:
                expected = wrong[result.student].get(exercise.id.partition("/")[2])
                if exercise.misconception != expected or (exercise.status == "pass") == bool(
                    expected
                ):
                    raise BenchError(
                        f"{result.student}, {exercise.id}: expected {expected or 'pass'}, got "
                        f"{exercise.status}, {exercise.misconception}: {result.problem or ''}"
                    )

    def require_peers(self) -> None:
        """Check that the peers graded: full marks where all is right, and fewer elsewhere."""
        full = sum(exercise.points for exercise in self.papers.lab.exercises)
        right = {one.name for one in self.class_ if not one.wrong}
        for peer in self.peers:
            for student, score in peer.scores().items():
                if (score == full) != (student in right):
                    raise BenchError(f"{peer.name} gave {student} {score:g} of {full:g} points")

    def finish(self) -> list[Row]:
        """Return all rows."""
        times, rows = self.times, []
        ours, bare = times["one worker"], times["bare"]
        floors = {"nbgrader autograde": 30, "otter run": 60}
        for peer in self.peers:
            name = f"a submission (floor: {floors[peer.name]} times)"
            rows.append(median_row(name, ours, "s", peer=times[peer.name], peer_name=peer.name))
        over = [1000 * (a - b) for a, b in zip(ours, bare, strict=True)]
        rows.append(
            median_row("limit: above the bare cost of its code", over, "ms", limit=MS_OVER_BARE)
        )
        rows.append(median_row("bare cost of a submission's cells and calls", bare, "s"))
        if "two workers" in times.rounds:
            rows.append(
                median_row(
                    "a submission, two workers on two cores (floor: 1.6 times)",
                    times["two workers"],
                    "s",
                    peer=ours,
                    peer_name="one worker",
                )
            )
        name = f"a submission, all of `glassbox grade` over {len(self.found)}"
        for peer in self.peers:
            whole = times["whole"]
            rows.append(median_row(name, whole, "s", peer=times[peer.name], peer_name=peer.name))
        return rows + self.rows
