"""Check a learner's own file on the public cases, from the command line."""

from __future__ import annotations

from pathlib import Path

from autograder.batch import CELL_SECONDS, Papers, attempt
from autograder.recorded import load_lab
from autograder.render import Report
from autograder.sandbox import Program, Sandbox
from autograder.submissions import SubmissionError, discover, read


def practise(file: Path, lab: str | None = None) -> tuple[list[Report], list[str]]:
    """Run a notebook or script and return a report per exercise, and notes on what was mended.

    The learner's code runs in a process of its own, so that a loop or a crash costs one exercise.
    """
    found = discover([file], lab=lab)[0]
    if found.problem or not found.lab:
        raise SubmissionError(found.problem or f"{file}: name its lab with --lab")
    recorded = load_lab(found.lab)
    submission = read(found.path, recorded.name, [e.name for e in recorded.exercises])
    program = Program(
        cells=[cell.source for cell in submission.cells],
        withheld=recorded.withheld,
        megabytes=max(exercise.megabytes for exercise in recorded.exercises),
        cell_seconds=CELL_SECONDS,
    )
    papers = Papers.public(recorded)
    with Sandbox() as sandbox, sandbox.start(program) as student:
        reports = [
            Report(
                attempt(
                    student,
                    exercise,
                    papers.cases("", exercise),
                    submission.entries.get(exercise.name),
                )
            )
            for exercise in recorded.exercises
        ]
        notes = [
            f"cell {submission.cells[cell.index].index}: {cell.message}"
            for cell in student.cells
            if cell.status != "ok"
        ]
    return reports, [*submission.mended, *notes]
