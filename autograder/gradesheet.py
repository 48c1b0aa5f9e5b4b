"""Write a class's results: one JSON file each, `grades.csv`, and a table for the terminal."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterable
from pathlib import Path

from rich import box
from rich.table import Table
from rich.text import Text

from autograder.files import write_atomically
from autograder.results import ExerciseResult, Result

# Also the full-width forms, which some spreadsheets take for the plain ones.
FORMULA_STARTS = "=+-@\t\r＝＋－＠"
MAX_NAME_BYTES = 100
COLUMNS = ("student", "lab", "exercise", "status", "score", "max_score", "misconception")
# A table of eight exercises has to fit a terminal: marks in the cells, words in the last column.
MARKS = {"pass": "✓", "partial": "~", "not_started": "·"}
STYLES = {"pass": "green", "partial": "yellow", "not_started": "dim"}


def write_result(result: Result, folder: Path) -> Path:
    """Write `<student>--<lab>.json` into a folder, unless it is there already."""
    path = folder / f"{_file_safe(result.student)}--{_file_safe(result.lab)}.json"
    data = result.to_json().encode()
    if not (path.is_file() and path.read_bytes() == data):
        write_atomically(path, data)
    return path


def write_csv(results: Iterable[Result], path: Path) -> None:
    """Write one row per student and exercise, in the order of students and labs."""
    buffer = io.StringIO()
    buffer.write(",".join(COLUMNS) + "\n")
    # Text in quotes, because a name may hold what separates fields in another country.
    writer = csv.writer(buffer, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    for result in in_order(results):
        for exercise in result.exercises:
            writer.writerow(
                [
                    spreadsheet_safe(result.student),
                    result.lab,
                    exercise.id.partition("/")[2],
                    exercise.status,
                    "" if exercise.score is None else float(f"{exercise.score:g}"),
                    float(f"{exercise.max_score:g}"),
                    exercise.misconception or "",
                ]
            )
    write_atomically(path, buffer.getvalue().encode())


def tables(results: Iterable[Result]) -> list[Table]:
    """Return one table per lab: a row per student, a column per exercise."""
    results = in_order(results)
    return [
        _table(lab, [result for result in results if result.lab == lab])
        for lab in dict.fromkeys(result.lab for result in results)
    ]


def in_order(results: Iterable[Result]) -> list[Result]:
    """Sort by lab, then student."""
    return sorted(results, key=lambda result: (result.lab, result.student))


def _table(lab: str, results: list[Result]) -> Table:
    whole = max(results, key=lambda result: len(result.exercises))
    names = [exercise.id.partition("/")[2] for exercise in whole.exercises]
    legend = "  ".join(f"{place}:{name}" for place, name in enumerate(names, 1))
    table = Table(
        title=f"[bold]{lab}[/bold]\n{legend}",
        title_justify="left",
        title_style="default",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    table.add_column("student", overflow="fold", min_width=12)
    table.add_column("points", justify="right", no_wrap=True)
    for place in range(1, len(names) + 1):
        table.add_column(str(place), no_wrap=True)
    table.add_column("what went wrong", overflow="fold", min_width=24)
    for result in results:
        cells = [_cell(exercise) for exercise in result.exercises]
        score = "?" if result.score is None else f"{result.score:.3g}"
        points = f"{score}/{result.max_score:g}"
        table.add_row(Text(result.student), points, *cells, Text(_what_went_wrong(result)))
    return table


def _cell(exercise: ExerciseResult) -> Text:
    mark = MARKS.get(exercise.status, "✗")
    text = f"{mark}{exercise.score:.2g}" if exercise.score else mark
    return Text(text, style=STYLES.get(exercise.status, "red"))


def _what_went_wrong(result: Result) -> str:
    """Return one line per exercise that was tried and not passed: number, status, misconception."""
    if result.status != "graded":
        return result.status
    if result.exercises and all(one.status == "not_started" for one in result.exercises):
        return "not started"
    return "\n".join(
        f"{place} {one.status}" + (f": {one.misconception}" if one.misconception else "")
        for place, one in enumerate(result.exercises, 1)
        if one.status not in ("pass", "not_started")
    )


def spreadsheet_safe(text: str) -> str:
    """Return text that a spreadsheet will not run as a formula."""
    return f"'{text}" if text[:1] in FORMULA_STARTS and text else text


def _file_safe(text: str) -> str:
    """Return a file name's part; two different texts never get the same one."""
    safe = re.sub(r"[^\w.@+-]", "_", text).lstrip(".")
    if safe == text and len(safe.encode()) <= MAX_NAME_BYTES:
        return safe
    digest = hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:8]
    return f"{safe.encode()[:MAX_NAME_BYTES].decode('utf-8', 'ignore')}-{digest}"
