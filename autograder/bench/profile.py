"""Where the time of one submission goes: ours, stage by stage, and the student's own beside it."""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograder.batch import CELL_SECONDS, Papers
from autograder.bench.bare import Call, Cost, WarmProcess
from autograder.diagnose import judge
from autograder.sandbox import Program, Sandbox, StudentProcess
from autograder.submissions import read


@dataclass
class Stopwatch:
    """Seconds by name, one number a round."""

    rounds: list[dict[str, float]] = field(default_factory=list)

    def start_round(self) -> None:
        """Begin the next round."""
        self.rounds.append(defaultdict(float))

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        """Add the time of what is inside to this round's."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.rounds[-1][name] += time.perf_counter() - started

    def median(self, name: str) -> float:
        """Return the median over rounds, in milliseconds."""
        return 1000 * statistics.median(one.get(name, 0.0) for one in self.rounds)

    @property
    def names(self) -> list[str]:
        """All names, in the order in which they first came."""
        return list(dict.fromkeys(name for one in self.rounds for name in one))


class TimedProcess(StudentProcess):
    """A student's process that notes how long each request takes to come back."""

    def __init__(self, sandbox: Sandbox, program: Program, watch: Stopwatch) -> None:
        self.watch = watch

        def fork(one: Program):
            with watch.of("fork"):
                return sandbox.server.fork(one)

        super().__init__(fork, program)

    def _expect_ready(self, child: Any) -> None:
        with self.watch.of("confine"):
            super()._expect_ready(child)

    def _ask(
        self, kind: str, request: dict[str, Any], seconds: float, more: bytes = b""
    ) -> dict[str, Any]:
        name = f"cell {request['index']:02}" if kind == "cell" else f"call {request['entry']}"
        with self.watch.of(name):
            return super()._ask(kind, request, seconds, more)


@dataclass(frozen=True)
class Profile:
    """What was measured: our stages, and what the bare cells and calls cost."""

    watch: Stopwatch
    bare: list[Cost]
    cells: list[str]
    entries: list[str]

    def rows(self) -> Iterator[tuple[str, float, float | None]]:
        """Return (stage, ours in ms, bare in ms where there is such a thing)."""
        for name in self.watch.names:
            yield name, self.watch.median(name), self._bare(name)

    def _bare(self, name: str) -> float | None:
        kind, _, what = name.partition(" ")
        if kind == "cell":
            return 1000 * statistics.median(one.cells[int(what)] for one in self.bare)
        if kind == "call":
            places = [place for place, entry in enumerate(self.entries) if entry == what]
            sums = [sum(one.calls[place] for place in places) for one in self.bare]
            return 1000 * statistics.median(sums)
        return None

    def first_line(self, name: str) -> str:
        """Return a cell's first line of code that is not an import or a comment, to know it by."""
        kind, _, what = name.partition(" ")
        return self.cells[int(what)].strip().partition("\n")[0][:60] if kind == "cell" else ""


def profile(path: Path, student: str, papers: Papers, sandbox: Sandbox, rounds: int) -> Profile:
    """Grade one submission again and again, and its bare code too, with a clock at every stage."""
    watch, bare = Stopwatch(), []
    cells: list[str] = []
    calls: list[Call] = []
    with WarmProcess() as warm:
        for _ in range(rounds):
            watch.start_round()
            cells, calls = _graded(path, student, papers, sandbox, watch)
            bare.append(warm.run(cells, calls))
    return Profile(watch, bare, cells, [call.entry for call in calls])


def _graded(
    path: Path, who: str, papers: Papers, sandbox: Sandbox, watch: Stopwatch
) -> tuple[list[str], list[Call]]:
    """Do as `batch.attempt_lab` does for a submission whose functions all answer."""
    lab, calls = papers.lab, []
    with watch.of("read"):
        submission = read(path, lab.name, [exercise.name for exercise in lab.exercises])
    program = Program(
        cells=[cell.source for cell in submission.cells],
        withheld=lab.withheld,
        megabytes=max(exercise.megabytes for exercise in lab.exercises),
        cell_seconds=CELL_SECONDS,
    )
    student = TimedProcess(sandbox, program, watch)
    for exercise in lab.exercises:
        with watch.of("choose cases"):
            cases = papers.cases(who, exercise)
        for case in cases:
            with watch.of("unpack inputs"):
                inputs = case.packed
            entry = submission.entries[exercise.name]
            answer = student.call(entry, inputs, seconds=exercise.seconds)
            calls.append(Call(entry, case.inputs))
            with watch.of(f"judge {exercise.name}"):
                judge(exercise, case, answer.value)
    with watch.of("end"):
        student.close()
    return list(program.cells), calls
