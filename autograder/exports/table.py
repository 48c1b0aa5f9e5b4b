"""One row per student, one column per lab: for a spreadsheet, or a system with no export here.

`grades.csv`, beside the results, has a row per exercise.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from autograder.exports import totals
from autograder.files import write_atomically
from autograder.gradesheet import spreadsheet_safe
from autograder.results import Result


def write_table(results: Iterable[Result], path: Path) -> None:
    """Write every student's points per lab and their sum.

    A lab that was not handed in is a 0; an open grade leaves its cell and the sum empty.
    """
    results = [result for result in results if result.max_score]  # others answer no known lab
    labs = sorted({result.lab for result in results})
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(["student", *labs, "total"])
    for total in totals(results)[0]:
        scores = {result.lab: result.score for result in total.results}
        cells = [_cell(scores.get(lab, 0.0)) for lab in labs]
        writer.writerow([spreadsheet_safe(total.student), *cells, _cell(total.score)])
    write_atomically(path, buffer.getvalue().encode())


def _cell(score: float | None) -> float | str:
    return "" if score is None else round(score, 2)
