"""Commands for an instructor who looks at a graded class: `report`, `explain`, `regrade`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autograder.cli.common import INFRASTRUCTURE, app, console, told_in_one_line

Graded = Annotated[Path, typer.Argument(help="What `glassbox grade --out` wrote.", metavar="DIR")]
Secret = Annotated[Path | None, typer.Option(help="File with the course secret.")]
Solutions = Annotated[
    Path | None, typer.Option(help="Folder with your own variant of the solutions.")
]
Isolation = Annotated[str | None, typer.Option(help="Run at this level instead of the best one.")]
MinIsolation = Annotated[str, typer.Option(help="Refuse below this level.")]


@app.command()
def report(
    graded: Graded,
    out: Annotated[
        Path | None, typer.Option(help="The page to write; DIR/report.html by default.")
    ] = None,
) -> None:
    """Write the page about a class again, from DIR/results."""
    from autograder.exports import read_results
    from autograder.report import write_report

    with told_in_one_line():
        path = out or graded / "report.html"
        write_report(read_results(graded), path)
    console.print(f"wrote {path}", highlight=False)


@app.command()
def explain(
    student: Annotated[str, typer.Argument(help="As in the results.")],
    exercise: Annotated[str, typer.Argument(help="For example m3_induction/induction_score.")],
    paths: Annotated[
        list[Path] | None, typer.Argument(help="The submission, if it is not where it was.")
    ] = None,
    out: Annotated[Path, typer.Option(help="What `glassbox grade --out` wrote.")] = Path("out"),
    case: Annotated[
        str | None, typer.Option(help="A case such as hidden-7, or all; the first that failed.")
    ] = None,
    secret: Secret = None,
    solutions: Solutions = None,
    isolation: Isolation = None,
    min_isolation: MinIsolation = "process",
) -> None:
    """Show one student's hidden inputs, the expected output and what their code gives.

    For instructors: it shows numbers of hidden cases.
    """
    from autograder.explain import explain as run
    from autograder.explained import show

    with told_in_one_line():
        told = run(
            student,
            exercise,
            out,
            paths=paths or (),
            case=case,
            secret=secret,
            solutions=solutions,
            isolation=isolation,
            min_isolation=min_isolation,
        )
        for part in show(told):
            console.print(part, markup=False, highlight=False)


@app.command()
def regrade(
    graded: Graded,
    write: Annotated[
        bool,
        typer.Option("--write/--diff", help="Put the new results in place, or say what changes."),
    ] = False,
    secret: Secret = None,
    solutions: Solutions = None,
    isolation: Isolation = None,
    min_isolation: MinIsolation = "process",
    workers: Annotated[int | None, typer.Option(min=1, help="One per core by default.")] = None,
) -> None:
    """Grade a class again and say whose score changes, and why; write only with --write.

    Due when solutions, tolerances, the secret or Glassbox itself have changed, or a submission was
    replaced where it lies.
    """
    from autograder import regrade as regrading
    from autograder.executors.choose import Workers

    with told_in_one_line():
        done = regrading.regrade(
            graded,
            secret=secret,
            solutions=solutions,
            workers=Workers(workers, isolation, min_isolation),
            write=write,
            console=console,
        )
    table = regrading.changes_table(done)
    if table.row_count:
        console.print(table)
    for line in regrading.in_words(done, written=write):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(INFRASTRUCTURE if done.open else 0)
