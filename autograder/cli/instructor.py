"""Commands for an instructor: `grade`, `release`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autograder.cli.common import INFRASTRUCTURE, app, console, told_in_one_line


@app.command()
def grade(
    paths: Annotated[list[Path], typer.Argument(help="Notebooks, scripts or folders of them.")],
    out: Annotated[Path, typer.Option(help="Where results go.")] = Path("out"),
    lab: Annotated[str | None, typer.Option(help="The lab of a flat folder.")] = None,
    pattern: Annotated[
        str | None, typer.Option(help="Regex with a group student_id, for an LMS download.")
    ] = None,
    secret: Annotated[Path | None, typer.Option(help="File with the course secret.")] = None,
    solutions: Annotated[
        Path | None, typer.Option(help="Folder with your own variant of the solutions.")
    ] = None,
    isolation: Annotated[
        str | None, typer.Option(help="Run at this level instead of the best one.")
    ] = None,
    min_isolation: Annotated[str, typer.Option(help="Refuse below this level.")] = "process",
    workers: Annotated[int | None, typer.Option(min=1, help="One per core by default.")] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Grade again what has a score already.")
    ] = False,
    scheduler: Annotated[
        str | None, typer.Option(help="A dask scheduler, whose workers grade: tls://HOST:PORT.")
    ] = None,
    tls_ca: Annotated[Path | None, typer.Option(help="Who signed the scheduler's.")] = None,
    tls_cert: Annotated[Path | None, typer.Option(help="Our certificate.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its key.")] = None,
) -> None:
    """Grade submissions for credit, on the hidden bank.

    What is done is kept in OUT/ledger.sqlite: grading again, also after a crash, grades only what
    is new, what has changed and what failed for a reason that is not the student's. The results,
    grades.csv and report.html hold everybody who was ever graded into OUT; the tables show who was
    asked for now.
    """
    from autograder.executors.choose import Workers
    from autograder.grading import grade_class

    with told_in_one_line():
        summary = grade_class(
            paths,
            out,
            lab=lab,
            pattern=pattern,
            secret=secret,
            solutions=solutions,
            workers=Workers(
                workers, isolation, min_isolation, scheduler, tls_ca, tls_cert, tls_key
            ),
            fresh=fresh,
            console=console,
        )
    raise typer.Exit(INFRASTRUCTURE if summary.infrastructure else 0)


@app.command()
def release(
    labs: Annotated[list[str], typer.Argument(help="The labs to hand out.")],
    out: Annotated[Path, typer.Option(help="The zip to write.")] = Path("glassbox-labs.zip"),
) -> None:
    """Pack labs for students: exercises and what checks them, without solutions or specs."""
    from autograder.release import release as pack

    with told_in_one_line():
        written = pack(labs, out)
    console.print(f"wrote {written} ({written.stat().st_size // 1000} kB)", highlight=False)
