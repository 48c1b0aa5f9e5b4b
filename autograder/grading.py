"""Grade a class from the command line: find submissions, grade them, write what was asked."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from autograder.bank import open_bank, read_secret
from autograder.batch import Papers, Sandboxes, grade_all
from autograder.gradesheet import in_order, tables, write_csv, write_result
from autograder.recorded import RecordingError, load_lab, recorded_labs
from autograder.report import write_report
from autograder.results import Result
from autograder.sandbox import require_levels, require_reached
from autograder.submissions import Found, discover


@dataclass(frozen=True)
class Summary:
    """What became of a class."""

    results: list[Result]

    @property
    def infrastructure(self) -> int:
        """How many submissions still have no grade, for a reason that is not theirs."""
        return sum(result.status == "infrastructure" for result in self.results)


def grade_class(
    paths: list[Path],
    out: Path,
    *,
    lab: str | None,
    pattern: str | None,
    secret: Path | None,
    isolation: str | None,
    min_isolation: str,
    workers: int | None,
    console: Console,
) -> Summary:
    """Grade every submission under the paths and write results, grades.csv and report.html."""
    if lab is not None:
        load_lab(lab)  # an unknown lab is an error before anything runs
    require_levels(isolation, minimum=min_isolation)
    found = discover(paths, lab=lab, pattern=pattern)
    papers = _papers(found, read_secret(secret), console)
    count = max(1, min(workers or os.cpu_count() or 1, len(found)))
    started = time.monotonic()
    with console.status("starting sandboxes"):
        sandboxes = Sandboxes(count, isolation)
    with sandboxes:
        require_reached(sandboxes.level, sandboxes.reasons, minimum=min_isolation)
        results = _graded(found, papers, sandboxes, out, console)
    seconds = time.monotonic() - started
    ordered = in_order(results)
    write_csv(ordered, out / "grades.csv")
    write_report(ordered, out / "report.html")
    for table in tables(ordered):
        console.print(table)
    _say_problems(ordered, console)
    console.print(
        f"{len(ordered)} submissions graded in {seconds:.1f} s, isolation {sandboxes.level}; "
        f"wrote {out / 'results'}, {out / 'grades.csv'} and {out / 'report.html'}",
        highlight=False,
    )
    return Summary(ordered)


def _papers(found: list[Found], secret: bytes, console: Console) -> dict[str, Papers]:
    names = sorted({item.lab for item in found if item.lab in recorded_labs()})
    papers = {}
    for name in names:
        started = time.monotonic()
        with console.status(f"hidden bank of {name} (made once, then kept)"):
            papers[name] = Papers.hidden(open_bank(name, secret))
        console.print(f"hidden bank of {name}: {time.monotonic() - started:.1f} s")
    if not papers and not any(item.problem for item in found):
        raise RecordingError(
            "no submission belongs to a recorded lab; name it with --lab "
            f"(labs: {', '.join(recorded_labs())})"
        )
    return papers


def _graded(
    found: list[Found],
    papers: dict[str, Papers],
    sandboxes: Sandboxes,
    out: Path,
    console: Console,
) -> list[Result]:
    results = []
    progress = Progress(
        TextColumn("grading"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )
    with progress:
        bar = progress.add_task("grading", total=len(found))
        for result in grade_all(found, papers, sandboxes):
            results.append(result)
            progress.advance(bar)
            try:
                write_result(result, out / "results")
            except OSError as error:  # the others, the table and the report are still written
                console.print(f"{result.student}: no result file: {error}", markup=False)
    return results


def _say_problems(results: list[Result], console: Console) -> None:
    for result in results:
        if result.problem:
            console.print(
                f"{result.student}: {result.status}: {result.problem}",
                markup=False,
                highlight=False,
            )
