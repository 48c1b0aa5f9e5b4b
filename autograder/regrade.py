"""Grade a class again, and say whose score would change, and why, before anything is written.

Due when references, tolerances, solutions, the secret or Glassbox itself have changed, or a file
was replaced. A new result without a score, for a reason of ours, never takes the old one's place.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from autograder.bank import read_secret
from autograder.beside import printable
from autograder.executors.choose import Workers
from autograder.exports import read_results
from autograder.gradesheet import MARKS
from autograder.grading import grade_plan, papers_for, write_all
from autograder.jobs import Job, make_jobs
from autograder.ledger import Ledger, is_open
from autograder.recorded import recorded_labs
from autograder.results import ExerciseResult, Result
from autograder.submissions import Found

Place = tuple[str, str, str]
# What a score depends on, by the word that stands in the table.
REASONS = {
    "file": "the submission's file has changed",
    "bank": "the hidden bank is another one: secret, solutions or the lab's spec have changed",
    "references": "the lab's points, tolerances, limits or texts have changed",
    "version": "another version of Glassbox, torch or numpy",
    "isolation": "the code ran at another level of isolation",
    "unknown": "nothing that was kept: the answer depends on chance, time or memory, or the "
    "grader's code has changed",
}


@dataclass(frozen=True)
class Change:
    """One exercise that has another score, status or misconception than before."""

    before: ExerciseResult | None
    after: ExerciseResult | None

    @property
    def name(self) -> str:
        """The exercise's name within its lab."""
        some = self.after or self.before
        return some.id.partition("/")[2] if some else ""

    @property
    def of_score(self) -> bool:
        """Whether points change, and not only what is said about them."""
        return _points(self.before) != _points(self.after)


@dataclass(frozen=True)
class Pair:
    """A result and the one that would take its place."""

    old: Result
    new: Result

    @property
    def changes(self) -> list[Change]:
        """What differs, exercise by exercise, in the lab's order."""
        before = {one.id: one for one in self.old.exercises}
        after = {one.id: one for one in self.new.exercises}
        pairs = [(before.get(id), after.get(id)) for id in dict.fromkeys([*after, *before])]
        return [Change(*pair) for pair in pairs if _told(pair[0]) != _told(pair[1])]

    @property
    def reasons(self) -> list[str]:
        """Which of what a score depends on has changed (keys of REASONS)."""
        old, new = self.old.grader, self.new.grader
        differs = {
            "file": _changed(self.old.file_sha256, self.new.file_sha256),
            "bank": old.bank_sha256 != new.bank_sha256,
            "references": _changed(old.references_sha256, new.references_sha256),
            "version": (old.version, old.torch, old.numpy) != (new.version, new.torch, new.numpy),
            "isolation": self.old.isolation != self.new.isolation,
        }
        return [reason for reason, found in differs.items() if found] or ["unknown"]


@dataclass(frozen=True)
class Regraded:
    """A class graded again: pairs of results, and those left as they are, with the reason."""

    pairs: list[Pair]
    left: list[tuple[Result, str]]
    open: int


def regrade(
    folder: Path,
    *,
    secret: Path | None,
    solutions: Path | None,
    workers: Workers,
    write: bool,
    console: Console,
) -> Regraded:
    """Grade everything in a folder again.

    Args:
        folder: what `glassbox grade --out` wrote.
        secret: the file with the course secret; the user's own by default.
        solutions: a folder with an instructor's own solutions; the shipped ones by default.
        workers: who grades.
        write: put the new results in the old ones' place; nothing is written otherwise.
        console: where progress is shown.

    """
    workers.check()
    old = {_place(result): result for result in read_results(folder)}
    left = [(result, why) for result in old.values() if (why := _why_not(result))]
    kept = {_place(result) for result, _ in left}
    found = [_found(result) for place, result in old.items() if place not in kept]
    if not found:
        return Regraded([], left, 0)
    with Ledger(folder) if write else nullcontext() as ledger:
        jobs = make_jobs(found, papers_for(found, read_secret(secret), solutions, console))
        done = _graded(jobs, workers, console)
        pairs = [Pair(old[_place(new)], new) for _, new in done if not is_open(new)]
        failed = [(old[_place(new)], f"{new.problem}") for _, new in done if is_open(new)]
        if ledger is not None:
            ledger.plan([job for job, new in done if not is_open(new)], again=True)
            for job, new in done:
                if not is_open(new):
                    ledger.enter(job, new)
            entered = {_place(grade.result): grade.result for grade in ledger.gradebook()}
            write_all([*(old | entered).values()], folder, console)
    return Regraded(pairs, left + failed, len(failed))


def changes_table(regraded: Regraded) -> Table:
    """Return a row for each exercise whose score changes, with the reasons by their words."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    widths = {"student": 8, "points": 6, "exercise": 16, "before": 12, "after": 12, "why": 4}
    for heading, width in widths.items():
        table.add_column(heading, overflow="fold", min_width=width, no_wrap=heading == "points")
    for pair in regraded.pairs:
        changes = [change for change in pair.changes if change.of_score]
        totals = f"{_number(pair.old.score)} → {_number(pair.new.score)}"
        for place, change in enumerate(changes):
            first = (Text(pair.new.student), totals) if place == 0 else ("", "")
            sides = (_side(change.before), _side(change.after))
            table.add_row(*first, change.name, *sides, ", ".join(pair.reasons))
    return table


def in_words(regraded: Regraded, *, written: bool) -> Iterator[str]:
    """Yield what the table's words mean, what else there is to know, and what was done."""
    changed = [pair for pair in regraded.pairs if any(one.of_score for one in pair.changes)]
    for reason in dict.fromkeys(reason for pair in changed for reason in pair.reasons):
        yield f"{reason}: {REASONS[reason]}"
    for result, why in regraded.left:
        yield printable(f"{result.student}, {result.lab}: left as it is: {why}", most=1000)
    every = [change for pair in regraded.pairs for change in pair.changes]
    if others := sum(not change.of_score for change in every):
        yield f"{others} exercises change in status or misconception only"
    verb = "changed" if written else "would change"
    yield (
        f"{len(regraded.pairs)} graded again, {len(changed)} scores {verb}, "
        f"{len(regraded.left)} left as they are"
    )
    if not written:
        yield "nothing was written; --write puts the new results in the old ones' place"


def _side(one: ExerciseResult | None) -> Text:
    if one is None:
        return Text("none")
    told = f"{MARKS.get(one.status, '✗')} {one.status}, {_number(one.score)}/{one.max_score:g}"
    return Text(f"{told}\n{one.misconception}" if one.misconception else told)


def _number(score: float | None) -> str:
    return "?" if score is None else f"{score:.3g}"


def _why_not(result: Result) -> str | None:
    """Return why a submission cannot be graded again, or None if it can."""
    if result.lab not in recorded_labs():
        return f"there is no lab {result.lab}"
    if result.status == "unreadable" and result.file_sha256 is None:
        return result.problem or "it was never read"
    path = Path(result.path)
    if path.is_symlink() or not path.is_file():
        return f"{result.path} is not there (from this folder)"
    return None


def _found(result: Result) -> Found:
    return Found(
        result.student,
        result.lab,
        Path(result.path),
        result.submitted_at,
        assignment=result.assignment,
    )


def _graded(jobs: list[Job], workers: Workers, console: Console) -> list[tuple[Job, Result]]:
    """Grade jobs with a ledger of their own, so that nothing is written beside the class's."""
    with tempfile.TemporaryDirectory() as scratch, Ledger(Path(scratch)) as ledger:
        console.print(grade_plan(ledger.plan(jobs), workers, ledger, console), highlight=False)
        results = {_place(grade.result): grade.result for grade in ledger.gradebook()}
    return [(job, results[job.place]) for job in jobs]


def _place(result: Result) -> Place:
    """Return whose grade this is, as the ledger has it."""
    return result.student, result.lab, result.path if result.lab == "unknown" else ""


def _points(one: ExerciseResult | None) -> tuple[float | None, float]:
    return (None, 0.0) if one is None else (one.score, one.max_score)


def _told(one: ExerciseResult | None) -> Iterable[object]:
    return () if one is None else (*_points(one), one.status, one.misconception)


def _changed(old: str | None, new: str | None) -> bool:
    """Tell whether a hash has changed, as far as both were kept."""
    return old is not None and new is not None and old != new
