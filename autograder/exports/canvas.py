"""Fill the grades of an assignment into a gradebook that was exported from Canvas.

Canvas reads the file back by the names of its columns: `Title (id)` is an assignment, and a title
that it does not know becomes a new one. So the instructor's own export is filled, and no column,
row or name is written. An excused student (`EX`), one who has not been given the assignment (`N/A`)
and one without a grade keep what they have. Source: `gradebook_importer.rb` and
`gradebook_exporter.rb` of canvas-lms.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from autograder.exports import ExportError, Outcome, of_assignment, totals
from autograder.exports.filling import fill_grades, in_points
from autograder.exports.matching import Matches, match, report
from autograder.exports.sheet import Sheet, decimal_mark, parse_number
from autograder.recorded import load_lab, recorded_labs
from autograder.results import Result

ID_COLUMNS = ("SIS Login ID", "SIS User ID", "Integration ID", "ID")
KEPT = {"EX": "excused", "N/A": "not assigned"}
_TITLE = re.compile(r"(?P<title>.*)\s\(\d+\)", re.DOTALL)


def fill_canvas(
    results: Iterable[Result],
    gradebook: Path,
    out: Path,
    *,
    assignment: str | None = None,
    column: str | None = None,
    id_column: str | None = None,
) -> Outcome:
    """Write a copy of an exported gradebook with the points of one assignment filled in.

    Args:
        results: a class's results.
        gradebook: the CSV file as Canvas exported it.
        out: where the filled copy goes.
        assignment: whose results; may be left out when there is only one.
        column: the header to fill; by default the one whose title is the assignment's or lab's.
        id_column: the column that holds the students' names in the results; by default the one of
            Canvas's id columns in which most of them are found.

    Raises:
        ExportError: a file that Canvas did not write, or a column or assignment that is not there.

    """
    results = of_assignment(results, assignment)
    sheet = Sheet(gradebook)
    _check_header(sheet)
    points_row, students = _student_rows(sheet)
    place = sheet.column(column, "--column") if column else _grade_column(sheet, results)
    computed = re.search(r"read\s+only", sheet.value(points_row, place))
    if computed or place <= sheet.header.index("Section"):
        raise ExportError(f"{gradebook}: {column!r} is no assignment; name another with --column")
    found, worth = totals(results)
    names = [one.student for one in found]
    matches = _matches(sheet, students, names, id_column)
    outcome = Outcome()
    report(matches, names, {row: sheet.value(row, 0).strip() for row in students}, outcome)
    possible = parse_number(sheet.value(points_row, place)) or worth
    if possible != worth:
        outcome.notes.append(f"points out of {worth:g} were scaled to the column's {possible:g}")
    mark = decimal_mark(sheet.values(points_row))
    fill_grades(
        sheet,
        place,
        [(one, matches.rows[one.student]) for one in found if one.student in matches.rows],
        grade=lambda total, _: in_points(total, worth, possible, mark),
        kept=lambda row: KEPT.get(sheet.value(row, place).strip().upper()),
        outcome=outcome,
    )
    sheet.write(out)
    return outcome


def _check_header(sheet: Sheet) -> None:
    """Refuse a file that Canvas's importer would refuse."""
    header = sheet.header
    named = "Student" in header[0] or header[:2] == ["LastName", "FirstName"]
    if not named or "ID" not in header[:3] or "Section" not in header:
        raise ExportError(
            f"{sheet.path} is not a gradebook of Canvas: expected the columns Student, ID, ... "
            f"Section, found {', '.join(map(repr, header[:6]))}; export it under Grades, Export"
        )


def _grade_column(sheet: Sheet, results: list[Result]) -> int:
    """Return the one column whose title is the assignment's name, or its only lab's."""
    names = {results[0].assignment.casefold()}
    labs = {result.lab for result in results}
    if len(labs) == 1:
        (lab,) = labs
        names |= {lab.casefold()}
        names |= {load_lab(lab).title.casefold()} if lab in recorded_labs() else set()
    graded = {
        place: match["title"].strip()
        for place, text in enumerate(sheet.header)
        if (match := _TITLE.fullmatch(text))
    }
    places = [place for place, title in graded.items() if title.casefold() in names]
    if len(places) == 1:
        return places[0]
    what = "no column is" if not places else "several columns are"
    raise ExportError(
        f"{sheet.path}: {what} called like the assignment {results[0].assignment!r}; its columns "
        f"are {', '.join(repr(sheet.header[place]) for place in graded) or 'none'}: name one with "
        "--column"
    )


def _student_rows(sheet: Sheet) -> tuple[int, list[int]]:
    """Return the row of the points possible, and the students' rows."""
    points, students = None, []
    for row in range(1, len(sheet)):
        if "Points Possible" in sheet.value(row, 0):
            points = row
        elif sheet.value(row, 0).strip() or sheet.value(row, 1).strip():
            students.append(row)  # others say which assignments are posted by hand
    if points is None:
        raise ExportError(
            f"{sheet.path} has no row 'Points Possible', which Canvas writes; export it again"
        )
    return points, students


def _matches(sheet: Sheet, students: list[int], names: list[str], id_column: str | None) -> Matches:
    """Find the students in the column of ids in which most of them are."""
    columns = [id_column] if id_column else [name for name in ID_COLUMNS if name in sheet.header]
    best = Matches({}, [])
    for column in columns:
        place = sheet.column(column, "--id-column")
        tried = match({row: sheet.value(row, place) for row in students}, names)
        best = max(best, tried, key=len)
    if not best:
        raise ExportError(
            f"{sheet.path}: no student of the results ({', '.join(names[:3])}, ...) is in "
            f"{' or '.join(map(repr, columns))}; name another column with --id-column"
        )
    return best
