"""Take results to where a course keeps its grades; one file per system.

Every export starts from what `glassbox grade --out DIR` wrote, through `read_results`. A result
without a grade (`infrastructure`) never becomes a 0: what the other system holds stays. What a
student may read there comes from `autograder.feedback` alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from autograder.gradesheet import in_order
from autograder.results import Result, read_result

NO_GRADE = "no grade yet, for a reason that is not the student's"


class ExportError(ValueError):
    """What cannot be exported, or where to: what was given, what was expected, what to do."""


@dataclass
class Outcome:
    """What an export did: how many grades it wrote and, in sentences, what it left and why."""

    written: int = 0
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Total:
    """A student's points for one assignment, over all its labs; None while one has no grade."""

    student: str
    results: tuple[Result, ...]

    @property
    def score(self) -> float | None:
        """The sum of the labs' scores."""
        scores = [result.score for result in self.results]
        return None if None in scores else sum(score for score in scores if score is not None)


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


def of_assignment(results: Iterable[Result], assignment: str | None) -> list[Result]:
    """Return the results of one assignment: the named one, or the only one there is.

    Raises:
        ExportError: no results of that assignment, or several and none named.

    """
    kept = list(results)
    names = sorted({result.assignment for result in kept})
    if assignment is None and len(names) == 1:
        return kept
    if assignment is None:
        raise ExportError(
            f"these results belong to several assignments ({', '.join(names)}), and this export "
            "fills one; name it with --assignment"
        )
    if assignment not in names:
        raise ExportError(
            f"there are no results of the assignment {assignment!r}; there are: {', '.join(names)}"
        )
    return [result for result in kept if result.assignment == assignment]


def totals(results: Iterable[Result]) -> tuple[list[Total], float]:
    """Return every student's points over these results, and the most that one could get."""
    by_student: dict[str, list[Result]] = {}
    worth: dict[str, float] = {}
    for result in results:
        by_student.setdefault(result.student, []).append(result)
        worth[result.lab] = max(worth.get(result.lab, 0.0), result.max_score)
    found = [Total(student, tuple(own)) for student, own in sorted(by_student.items())]
    return found, sum(worth.values())
