"""Write a class's results: one JSON file each, `grades.csv`, and a table for the terminal."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from pathlib import Path

from rich.table import Table
from rich.text import Text

from autograder.files import write_atomically
from autograder.results import ExerciseResult, Result

COLUMNS = ("student", "lab", "exercise", "status", "score", "max_score", "misconception")
STYLES = {"pass": "green", "partial": "yellow", "not_started": "dim", "missing": "dim"}


def write_result(result: Result, folder: Path) -> Path:
    """Write `<student>--<lab>.json` into a folder."""
    path = folder / f"{_file_safe(result.student)}--{_file_safe(result.lab)}.json"
    write_atomically(path, result.to_json().encode())
    return path


def write_csv(results: Iterable[Result], path: Path) -> None:
    """Write one row per student and exercise, in the order of students and labs."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for result in in_order(results):
        for exercise in result.exercises:
            writer.writerow(
                [
                    spreadsheet_safe(result.student),
                    result.lab,
                    exercise.id.partition("/")[2],
                    exercise.status,
                    f"{exercise.score:g}",
                    f"{exercise.max_score:g}",
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
    table = Table(title=lab, title_justify="left", show_lines=True, pad_edge=False)
    table.add_column("student", overflow="fold")
    table.add_column("points", justify="right")
    whole = max(results, key=lambda result: len(result.exercises))
    for exercise in whole.exercises:
        table.add_column(exercise.id.partition("/")[2], overflow="fold")
    for result in results:
        cells = [_cell(exercise) for exercise in result.exercises]
        points = f"{result.score:.4g}/{result.max_score:g}"
        table.add_row(Text(result.student), points, *cells)
    return table


def _cell(exercise: ExerciseResult) -> Text:
    text = Text(f"{exercise.status} {exercise.score:.3g}", style=STYLES.get(exercise.status, "red"))
    if exercise.misconception:
        text.append(f"\n{exercise.misconception}", style="default")
    return text


def spreadsheet_safe(text: str) -> str:
    """Return text that a spreadsheet will not run as a formula."""
    return f"'{text}" if text[:1] in "=+-@\t\r" and text else text


def _file_safe(text: str) -> str:
    return re.sub(r"[^\w.@+-]", "_", text).lstrip(".") or "_"
