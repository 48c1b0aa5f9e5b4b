"""Grade a class from the command line: find submissions, grade what is new, write it all out."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from autograder.bank import VARIANTS, LabBank, open_bank, read_secret
from autograder.batch import Papers
from autograder.dispatch import grade_jobs
from autograder.executors.choose import Workers
from autograder.files import remove_unfinished
from autograder.gradesheet import tables, write_csv, write_result
from autograder.jobs import make_jobs
from autograder.ledger import Ledger, Plan
from autograder.recorded import RecordingError, load_lab, recorded_labs
from autograder.report import write_report
from autograder.results import Result
from autograder.submissions import Found, discover


@dataclass(frozen=True)
class Summary:
    """What became of a class.

    Attributes:
        results: of the submissions that were asked for, by lab and student.
        infrastructure: how many grades in the folder have no score, or an earlier one, for a reason
            that is not the student's.

    """

    results: list[Result]
    infrastructure: int


def grade_class(
    paths: list[Path],
    out: Path,
    *,
    lab: str | None,
    pattern: str | None,
    secret: Path | None,
    solutions: Path | None,
    workers: Workers,
    fresh: bool,
    console: Console,
) -> Summary:
    """Grade what has no score yet, then write results, grades.csv and report.html.

    Args:
        paths: files and folders of submissions.
        out: the folder of the ledger and of all that is written.
        lab: the only lab to look for.
        pattern: how an LMS names its files.
        secret: the file with the course secret; the user's own by default.
        solutions: a folder with an instructor's own solutions; the shipped ones by default.
        workers: who grades.
        fresh: grade again what has a score; that counts until there is a new one.
        console: where progress and tables are shown.

    """
    if lab is not None:
        load_lab(lab)  # an unknown lab is an error before anything runs
    workers.check()
    found = discover(paths, lab=lab, pattern=pattern)
    course_secret = read_secret(secret)
    with Ledger(out) as ledger:
        jobs = make_jobs(found, papers_for(found, course_secret, solutions, console))
        plan = ledger.plan(jobs, again=fresh, minimum=workers.min_isolation)
        try:
            done = grade_plan(plan, workers, ledger, console)
        finally:  # what was graded before a failure, too
            grades = ledger.gradebook()
            write_all([grade.result for grade in grades], out, console)
        waiting = ledger.waiting()
    asked = {job.place for job in jobs}
    results = [grade.result for grade in grades if grade.place in asked]
    _say(results, console)
    console.print(
        f"{done}; {len(grades)} in {out / 'results'}, {out / 'grades.csv'} and "
        f"{out / 'report.html'}",
        highlight=False,
    )
    if waiting:
        console.print(f"{waiting} more of an earlier run wait: name their folder to grade them")
    return Summary(results, sum(grade.failed for grade in grades))


def papers_for(
    found: list[Found], secret: bytes, solutions: Path | None, console: Console
) -> dict[str, Papers]:
    """Open the hidden bank of each lab that there are submissions to, by lab name."""
    names = sorted({item.lab for item in found if item.lab in recorded_labs()})
    if not names and not any(item.problem for item in found):
        raise RecordingError(
            "no submission belongs to a recorded lab; name it with --lab "
            f"(labs: {', '.join(recorded_labs())})"
        )
    banks = {name: _bank(name, secret, solutions, console) for name in names}
    return {name: Papers.hidden(bank, solutions) for name, bank in banks.items()}


def _bank(name: str, secret: bytes, solutions: Path | None, console: Console) -> LabBank:
    """Open a lab's bank; where it has to be made, on all cores and with a progress bar."""
    total = VARIANTS * len(load_lab(name).exercises)
    with _progress(console) as progress:
        bar = progress.add_task(f"hidden bank of {name}, made once", total=total, visible=False)
        return open_bank(
            name,
            secret,
            solutions=solutions,
            workers=os.cpu_count() or 1,
            progress=lambda made: progress.update(bar, completed=made, visible=True),
        )


def grade_plan(plan: Plan, workers: Workers, ledger: Ledger, console: Console) -> str:
    """Grade what is left, and say in a few words what was done."""
    if not plan.to_do:
        return f"{plan.kept} kept, nothing to grade"
    started = time.monotonic()
    with console.status("starting sandboxes"):
        executor = workers.start(len(plan.to_do))
    graded = retried = 0
    with closing(executor), _progress(console) as progress:
        total = plan.kept + len(plan.to_do)
        bar = progress.add_task("grading", total=total, completed=plan.kept)
        for outcome in grade_jobs(plan.to_do, executor, ledger):
            graded += outcome.final
            retried += not outcome.final
            counts = f"{plan.kept} kept, {graded} graded, {retried} tried again"
            progress.update(bar, advance=outcome.final, description=f"grading: {counts}")
    seconds = time.monotonic() - started
    again = f", {retried} tried again" if retried else ""
    return (
        f"{plan.kept} kept, {graded} graded{again} in {seconds:.1f} s, isolation {executor.level}"
    )


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )


def write_all(results: list[Result], out: Path, console: Console) -> None:
    """Write what derives from results; files that are as they should be stay untouched."""
    for folder, pattern in ((out, "grades.csv"), (out, "report.html"), (out / "results", "*.json")):
        remove_unfinished(folder, pattern)
    for result in results:
        try:
            write_result(result, out / "results")
        except OSError as error:  # the others, the table and the report are still written
            console.print(f"{result.student}: no result file: {error}", markup=False)
    write_csv(results, out / "grades.csv")
    write_report(results, out / "report.html")


def _say(results: Iterable[Result], console: Console) -> None:
    for table in tables(results):
        console.print(table)
    for result in results:
        if result.problem:
            told = f"{result.student}: {result.status}: {result.problem}"
            console.print(told, markup=False, highlight=False)
