"""Fill grades and feedback into an offline grading worksheet that was downloaded from Moodle.

Moodle finds a participant by the number at the end of `Identifier`, takes `Grade` where it changed,
and refuses what lies above the maximum. `Last modified (grade)` is how it notices that somebody
graded meanwhile, so it stays. Which other columns exist depends on the assignment's settings, and
their names on its language. Source: `mod/assign/feedback/offline` of Moodle.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from pathlib import Path

from autograder.exports import ExportError, Outcome, Total, of_assignment, totals
from autograder.exports.filling import fill_grades, in_points
from autograder.exports.matching import Matches, match, report
from autograder.exports.sheet import Sheet, decimal_mark, parse_number
from autograder.feedback import feedback, notes
from autograder.results import Result

ID_COLUMNS = ("ID number", "Username", "Email address", "Full name")
GRADE, FEEDBACK = "Grade", "Feedback comments"
MAXIMUM, CHANGEABLE = "Maximum Grade", "Grade can be changed"
LOCKED = "its grade cannot be changed"
# How a later export knows that it may replace a comment.
OURS = '<div class="glassbox">'
_CODE = re.compile(r"`([^`]+)`")
_LAST_NUMBER = re.compile(r"\d+$")


def fill_moodle(
    results: Iterable[Result],
    worksheet: Path,
    out: Path,
    *,
    assignment: str | None = None,
    id_column: str | None = None,
    grade_column: str = GRADE,
    feedback_column: str = FEEDBACK,
) -> Outcome:
    """Write a copy of a grading worksheet with the grades and feedback of one assignment.

    Args:
        results: a class's results.
        worksheet: the CSV file as it was downloaded from Moodle.
        out: where the filled copy goes.
        assignment: whose results; may be left out when there is only one.
        id_column: the column that holds the students' names in the results; by default the one in
            which most are found. Of the first, `Identifier`, the number alone is enough.
        grade_column: the header of the grades, where Moodle does not speak English.
        feedback_column: the same for the feedback; without that column only grades are written.

    Raises:
        ExportError: no column of ids or grades, or no student found.

    """
    results = of_assignment(results, assignment)
    sheet = Sheet(worksheet)
    grades = sheet.column(grade_column, "--grade-column")
    students = [row for row in range(1, len(sheet)) if any(sheet.values(row))]
    found, worth = totals(results)
    outcome = Outcome()
    names = [one.student for one in found]
    matches = _matches(sheet, students, names, id_column)
    report(matches, names, {row: sheet.value(row, 0).strip() for row in students}, outcome)
    maxima = {row: parse_number(sheet.named(row, MAXIMUM)) or worth for row in students}
    if other := set(maxima.values()) - {worth}:
        outcome.notes.append(f"points out of {worth:g} were scaled to {max(other):g}")
    mark = decimal_mark(sheet.named(row, MAXIMUM) for row in students)
    filled = fill_grades(
        sheet,
        grades,
        [(one, matches.rows[one.student]) for one in found if one.student in matches.rows],
        grade=lambda total, row: in_points(total, worth, maxima[row], mark),
        kept=lambda row: LOCKED if sheet.named(row, CHANGEABLE).strip() == "No" else None,
        outcome=outcome,
    )
    if feedback_column in sheet.header:
        for total, row in filled:
            _comment(sheet, row, sheet.header.index(feedback_column), total, outcome)
    else:
        outcome.notes.append(f"there is no column {feedback_column!r}: grades only")
    sheet.write(out)
    return outcome


def _matches(sheet: Sheet, students: list[int], names: list[str], id_column: str | None) -> Matches:
    """Find the students in the column of ids in which most of them are."""
    known = [sheet.header[0], *(name for name in ID_COLUMNS if name in sheet.header)]
    columns = [id_column] if id_column else list(dict.fromkeys(known))
    best = Matches({}, [])
    for column in columns:
        place = sheet.column(column, "--id-column")
        ids = {row: sheet.value(row, place) for row in students}
        best = max(best, match(ids, names), key=len)
        if place == 0:  # `Participant 12345`, in the language of the course
            ends = {row: _LAST_NUMBER.search(text) for row, text in ids.items()}
            numbers = {row: end[0] for row, end in ends.items() if end}
            best = max(best, match(numbers, names), key=len)
    if not best:
        raise ExportError(
            f"{sheet.path}: no student of the results ({', '.join(names[:3])}, ...) is in "
            f"{' or '.join(map(repr, columns))}; name a column with --id-column"
        )
    return best


def _comment(sheet: Sheet, row: int, place: int, total: Total, outcome: Outcome) -> None:
    """Write a student's feedback, unless somebody wrote there by hand."""
    before = sheet.value(row, place).strip()
    if before and not before.startswith(OURS):
        outcome.notes.append(f"{total.student}: has feedback already; kept, and the grade written")
    else:
        sheet.fill(row, place, _feedback(total))


def _feedback(total: Total) -> str:
    """Return what the student is told of each exercise, as the HTML that Moodle stores."""
    parts = []
    for result in total.results:
        parts += [f"<p>{html.escape(note)}</p>" for note in notes(result)]
        for exercise in result.exercises:
            score = 0.0 if exercise.score is None else exercise.score
            name = html.escape(exercise.id.partition("/")[2])
            lines = html.escape(feedback(exercise), quote=False).split("\n")
            text = _CODE.sub(r"<code>\1</code>", "<br>".join(lines))
            parts.append(f"<p><b>{name}</b>: {score:.3g} of {exercise.max_score:g}<br>{text}</p>")
    return f"{OURS}{''.join(parts)}</div>"
