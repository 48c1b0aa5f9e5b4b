"""`glassbox export`: results into the files and databases of other systems."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autograder.cli.common import app, console, told_in_one_line

if TYPE_CHECKING:
    from autograder.exports import Outcome

export = typer.Typer(
    help="Take results, or a lab with its grader, to another system.", no_args_is_help=True
)
app.add_typer(export, name="export")

Graded = Annotated[Path, typer.Argument(help="What `glassbox grade --out` wrote.", metavar="DIR")]
Assignment = Annotated[str | None, typer.Option(help="Only the results of this assignment.")]
IdColumn = Annotated[str | None, typer.Option(help="The column with the students' ids.")]


def told(outcome: Outcome, what: str) -> None:
    """Print what an export left, and how much it wrote."""
    for note in outcome.notes:
        console.print(note, markup=False, highlight=False, soft_wrap=True)
    written = f"{outcome.written} {'grade' if outcome.written == 1 else 'grades'} into {what}"
    console.print(written, markup=False, highlight=False, soft_wrap=True)


@export.command()
def nbgrader(
    graded: Graded,
    course: Annotated[Path, typer.Option(help="The folder in which you run nbgrader.")],
    assignment: Annotated[
        str | None, typer.Option(help="Where all results go; by default the graded folders' name.")
    ] = None,
) -> None:
    """Put scores and feedback into the gradebook of an nbgrader course."""
    from autograder.exports import read_results
    from autograder.exports.nbgrader import export_nbgrader

    with told_in_one_line():
        outcome = export_nbgrader(read_results(graded), course, assignment=assignment)
    told(outcome, f"the gradebook of {course}; next: nbgrader generate_feedback --force")


@export.command()
def canvas(
    graded: Graded,
    gradebook: Annotated[Path, typer.Option(help="The CSV file that Canvas exported.")],
    out: Annotated[Path, typer.Option(help="Where the filled copy goes.")],
    assignment: Assignment = None,
    column: Annotated[str | None, typer.Option(help="The header of the column to fill.")] = None,
    id_column: IdColumn = None,
) -> None:
    """Fill an assignment's points into a gradebook exported from Canvas."""
    from autograder.exports import read_results
    from autograder.exports.canvas import fill_canvas

    with told_in_one_line():
        outcome = fill_canvas(
            read_results(graded),
            gradebook,
            out,
            assignment=assignment,
            column=column,
            id_column=id_column,
        )
    told(outcome, f"{out}: import it under Grades, Import")


@export.command()
def moodle(
    graded: Graded,
    worksheet: Annotated[Path, typer.Option(help="The grading worksheet from Moodle.")],
    out: Annotated[Path, typer.Option(help="Where the filled copy goes.")],
    assignment: Assignment = None,
    id_column: IdColumn = None,
    grade_column: Annotated[str, typer.Option(help="The header of the grades.")] = "Grade",
    feedback_column: Annotated[
        str, typer.Option(help="The header of the feedback.")
    ] = "Feedback comments",
) -> None:
    """Fill grades and feedback into a grading worksheet downloaded from Moodle."""
    from autograder.exports import read_results
    from autograder.exports.moodle import fill_moodle

    with told_in_one_line():
        outcome = fill_moodle(
            read_results(graded),
            worksheet,
            out,
            assignment=assignment,
            id_column=id_column,
            grade_column=grade_column,
            feedback_column=feedback_column,
        )
    told(outcome, f"{out}: upload it under Upload grading worksheet")


@export.command()
def csv(
    graded: Graded,
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("scores.csv"),
) -> None:
    """Write a table with a row per student and a column per lab."""
    from autograder.exports import read_results
    from autograder.exports.table import write_table

    with told_in_one_line():
        write_table(read_results(graded), out)
    console.print(f"wrote {out}", highlight=False)
