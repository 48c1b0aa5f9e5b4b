"""Fill a column of grades: scaled to what it is worth, and nobody's grade replaced by a guess."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from autograder.exports import NO_GRADE, Outcome, Total
from autograder.exports.sheet import Sheet


def fill_grades(
    sheet: Sheet,
    column: int,
    rows: Iterable[tuple[Total, int]],
    *,
    grade: Callable[[Total, int], str],
    kept: Callable[[int], str | None],
    outcome: Outcome,
) -> list[tuple[Total, int]]:
    """Fill the grades of all who have one, and return whose were filled, and where.

    Args:
        sheet: the file.
        column: the column of the grades.
        rows: the students that were found, each with its row.
        grade: the text for a student's row.
        kept: why a row keeps what it has, or None.
        outcome: where it is said how many were written and who was left.

    """
    filled = []
    for total, row in rows:
        why = NO_GRADE if total.score is None else kept(row)
        if why:
            outcome.notes.append(f"{total.student}: {why}; left")
            continue
        sheet.fill(row, column, grade(total, row))
        outcome.written += 1
        filled.append((total, row))
    return filled


def in_points(total: Total, worth: float, possible: float, mark: str) -> str:
    """Return a score out of `worth` as one out of `possible`, with two decimals after `mark`."""
    share = (total.score or 0.0) / worth if worth else 0.0
    return f"{share * possible:.2f}".replace(".", mark)
