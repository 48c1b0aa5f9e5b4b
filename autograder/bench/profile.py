"""Where the time of one submission goes: ours, stage by stage, and the student's own beside it."""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from autograder.batch import CELL_SECONDS, Papers
from autograder.bench.bare import Call, Cost, WarmProcess
from autograder.diagnose import judge
from autograder.sandbox import Program, Sandbox, StudentProcess
from autograder.submissions import Found, read


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

    def bare_ms(self, name: str) -> float | None:
        """Return what a stage's bare code costs, or None when there is none in it."""
        kind, _, what = name.partition(" ")
        if kind == "cell":
            return 1000 * statistics.median(one.cells[int(what)] for one in self.bare)
        if kind == "call":
            places = [place for place, entry in enumerate(self.entries) if entry == what]
            sums = [sum(one.calls[place] for place in places) for one in self.bare]
            return 1000 * statistics.median(sums)
        return None

    def first_line(self, name: str) -> str:
        """Return a cell's first line, to know it by."""
        kind, _, what = name.partition(" ")
        return self.cells[int(what)].strip().partition("\n")[0][:50] if kind == "cell" else ""


def table(measured: Profile) -> Table:
    """Return the stages in ms, what is bare code in them, and what is not, with the sums."""
    shown = Table(box=box.SIMPLE_HEAD, show_footer=True)
    rows = []
    for name in measured.watch.names:
        ours, bare = measured.watch.median(name), measured.bare_ms(name)
        rows.append((name, ours, bare, ours - (bare or 0.0)))
    sums = [sum(row[column] or 0.0 for row in rows) for column in (1, 2, 3)]
    shown.add_column("stage", footer="all")
    for heading, total in zip(("ms", "bare code", "ours"), sums, strict=True):
        shown.add_column(heading, justify="right", footer=f"{total:.1f}")
    shown.add_column("first line")
    for name, ours, bare, over in rows:
        what = Text(measured.first_line(name), overflow="ellipsis", no_wrap=True)
        shown.add_row(
            name, f"{ours:.2f}", "" if bare is None else f"{bare:.2f}", f"{over:.2f}", what
        )
    return shown


def profile(found: Found, papers: Papers, rounds: int) -> Profile:
    """Grade one submission again and again, and its bare code too, with a clock at every stage."""
    watch, bare = Stopwatch(), []
    cells: list[str] = []
    calls: list[Call] = []
    with WarmProcess() as warm, Sandbox() as sandbox:
        for _ in range(rounds + 1):
            watch.start_round()
            cells, calls = _graded(found, papers, sandbox, watch)
            bare.append(warm.run(cells, calls))
    del watch.rounds[0], bare[0]  # the first is slower
    return Profile(watch, bare, cells, [call.entry for call in calls])


def _graded(
    found: Found, papers: Papers, sandbox: Sandbox, watch: Stopwatch
) -> tuple[list[str], list[Call]]:
    """Do as `batch.attempt_lab` does for a submission whose functions all answer."""
    lab, calls = papers.lab, []
    with watch.of("read"):
        submission = read(found.path, lab.name, [exercise.name for exercise in lab.exercises])
    program = Program(
        cells=[cell.source for cell in submission.cells],
        withheld=lab.withheld,
        megabytes=max(exercise.megabytes for exercise in lab.exercises),
        cell_seconds=CELL_SECONDS,
    )
    student = TimedProcess(sandbox, program, watch)
    for exercise in lab.exercises:
        with watch.of("choose cases"):
            cases = papers.cases(found.student, exercise)
        for case in cases:
            with watch.of("unpack inputs"):
                inputs = case.packed
            entry = submission.entries[exercise.name]
            answer = student.call(entry, inputs, seconds=exercise.seconds)
            calls.append(Call(entry, inputs))
            with watch.of(f"judge {exercise.name}"):
                judge(exercise, case, answer.value)
    with watch.of("end"):
        student.close()
    return list(program.cells), calls
