"""Take results to where a course keeps its grades; one file per system.

Every export starts from what `glassbox grade --out DIR` wrote, through `read_results`. A result
without a grade (`infrastructure`) never becomes a 0: what the other system holds stays.
"""

from __future__ import annotations

from pathlib import Path

from autograder.gradesheet import in_order
from autograder.results import Result, read_result


class ExportError(ValueError):
    """What cannot be exported, or where to: what was given, what was expected, what to do."""


def read_results(folder: Path) -> list[Result]:
    """Return every result of a graded class, sorted by lab and student.

    Args:
        folder: what `glassbox grade --out` wrote; the results are in `results/*.json` there.

    Raises:
        ExportError: no such folder, or no results in it.
        ResultError: a file that is no result, or one of another version.

    """
    if not folder.is_dir():
        raise ExportError(f"there is no folder {folder}; name what `glassbox grade --out` wrote")
    paths = sorted((folder / "results").glob("*.json"))
    if not paths:
        hint = "; name the folder above it" if folder.name == "results" else ""
        raise ExportError(
            f"{folder} holds no results/*.json: it is not what `glassbox grade --out` wrote{hint}"
        )
    return in_order(read_result(path) for path in paths)
