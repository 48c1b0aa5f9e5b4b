"""Where the time of one submission goes: ours, stage by stage, and the student's own beside it."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass

from rich import box
from rich.table import Table
from rich.text import Text

from autograder.batch import Papers, attempt_lab
from autograder.bench.bare import Cost, WarmProcess, Work
from autograder.bench.observed import ObservedSandbox, Stopwatch
from autograder.submissions import Found, read

ALL, REST = "all", "judge, and all the rest"


@dataclass(frozen=True)
class Profile:
    """What was measured: our stages, and what the bare cells and calls cost."""

    watch: Stopwatch
    bare: list[Cost]
    work: Work

    def bare_ms(self, name: str) -> float | None:
        """Return what a stage's bare code costs, or None when there is none in it."""
        kind, _, what = name.partition(" ")
        if kind == "cell":
            return 1000 * statistics.median(one.cells[int(what)] for one in self.bare)
        if kind == "call":
            places = [place for place, one in enumerate(self.work.calls) if one.entry == what]
            sums = [sum(one.calls[place] for place in places) for one in self.bare]
            return 1000 * statistics.median(sums)
        return 1000 * statistics.median(one.seconds for one in self.bare) if kind == ALL else None

    def first_line(self, name: str) -> str:
        """Return a cell's first line, to know it by."""
        kind, _, what = name.partition(" ")
        if kind != "cell":
            return ""
        return self.work.cells[int(what)].strip().partition("\n")[0][:40]


def profile(found: Found, papers: Papers, rounds: int) -> Profile:
    """Grade one submission again and again, and its bare code too, with a clock at every stage."""
    names = [exercise.name for exercise in papers.lab.exercises]
    work = Work.of(read(found.path, papers.lab.name, names), found.student, papers)
    bare: list[Cost] = []
    with WarmProcess() as warm, ObservedSandbox() as sandbox:
        watch = sandbox.watch
        for _ in range(rounds + 1):
            watch.start_round()
            started = time.perf_counter()
            with watch.of("read"):
                submission = read(found.path, papers.lab.name, names)
            attempt_lab(found.student, submission, papers, sandbox)
            whole, known = time.perf_counter() - started, sum(watch.rounds[-1].values())
            watch.rounds[-1].update({REST: whole - known, ALL: whole})
            bare.append(warm.run(work))
    del watch.rounds[0], bare[0]  # the first is slower
    return Profile(watch, bare, work)


def table(measured: Profile) -> Table:
    """Return the stages in ms, what is bare code in them, and the difference."""
    shown = Table(box=box.SIMPLE_HEAD)
    shown.add_column("stage")
    for heading in ("ms", "bare code", "ours"):
        shown.add_column(heading, justify="right")
    shown.add_column("first line")
    for name in measured.watch.names:
        ours, bare = measured.watch.median(name), measured.bare_ms(name)
        shown.add_row(
            Text(name, overflow="ellipsis", no_wrap=True),
            f"{ours:.2f}",
            "" if bare is None else f"{bare:.2f}",
            f"{ours - (bare or 0.0):.2f}",
            Text(measured.first_line(name), overflow="ellipsis", no_wrap=True),
        )
    return shown
