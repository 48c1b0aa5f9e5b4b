"""`glassbox export`, continued: results for CI, and the grader for platforms that run it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from autograder.cli.common import console, told_in_one_line
from autograder.cli.export import Graded, export


@export.command()
def junit(
    graded: Graded,
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("junit.xml"),
) -> None:
    """Write results as JUnit XML, for CI systems and test dashboards."""
    from autograder.exports import read_results
    from autograder.exports.junit import write_junit

    with told_in_one_line():
        results = read_results(graded)
        write_junit(results, out)
    console.print(f"wrote {out}: {len(results)} submissions", highlight=False, soft_wrap=True)


@export.command()
def gradescope(
    labs: Annotated[list[str], typer.Argument(help="The labs of one assignment.")],
    secret: Annotated[Path | None, typer.Option(help="File with the course secret.")] = None,
    out: Annotated[Path, typer.Option(help="The zip to write.")] = Path("autograder.zip"),
) -> None:
    """Pack a grader for Gradescope. The zip holds the hidden bank: for staff only."""
    from autograder.bank import read_secret
    from autograder.exports.gradescope import pack

    with told_in_one_line():
        written = pack(labs, read_secret(secret), out)
    console.print(
        f"wrote {written} ({written.stat().st_size // 1000} kB)", highlight=False, soft_wrap=True
    )
    console.print("Upload it to Gradescope (Ubuntu 22.04) and give its container 1.5 GB or more.")


@export.command()
def classroom50(
    lab: Annotated[str, typer.Argument(help="The lab that the assignment is.")],
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("autograder.py"),
    install: Annotated[
        str | None, typer.Option(help="What pip installs there; this version by default.")
    ] = None,
    checkout: Annotated[
        Path | None, typer.Option(help="On the runner: grade this and write result.json.")
    ] = None,
) -> None:
    """Write Classroom 50's autograder.py: practice grading, without answers or secrets."""
    from autograder.exports.classroom50 import grade_checkout, write_autograder

    if checkout is None:
        with told_in_one_line():
            written = write_autograder(lab, out, requirement=install)
        console.print(f"wrote {written}", highlight=False, soft_wrap=True)
        return
    with told_in_one_line():
        reports, notes = grade_checkout(lab, checkout, out, os.environ)
    for told in (*map(str, reports), *(f"note: {note}" for note in notes)):
        _print_inside(told)


def _print_inside(told: str) -> None:
    """Print for a workflow's log, where a line that begins with `::` would be a command."""
    for line in told.splitlines():
        shown = "".join(letter for letter in line if letter.isprintable())
        console.print(f"  {shown}", markup=False, highlight=False, soft_wrap=True)


@export.command()
def otter(
    lab: Annotated[str, typer.Argument(help="The lab to convert.")],
    out: Annotated[Path, typer.Option(help="The folder to write into.")] = Path("otter"),
) -> None:
    """Write a lab's notebook and test files for Otter-Grader, whose isolation is none."""
    from autograder.exports.otter_files import write_otter

    with told_in_one_line():
        written = write_otter(lab, out)
    console.print(
        f"wrote {written[0]} and {len(written) - 1} test files", highlight=False, soft_wrap=True
    )
