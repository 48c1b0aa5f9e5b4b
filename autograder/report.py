"""One HTML page about a graded class, without external resources."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from autograder.files import write_atomically
from autograder.gradesheet import in_order
from autograder.results import Result


def write_report(results: Iterable[Result], path: Path) -> None:
    """Write the page: scores per student and lab, and which misconceptions are common."""
    environment = Environment(
        loader=PackageLoader("autograder"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = environment.get_template("report.html.j2")
    write_atomically(path, template.render(labs=_by_lab(results)).encode())


def _by_lab(results: Iterable[Result]) -> list[dict]:
    ordered = in_order(results)
    names = dict.fromkeys(result.lab for result in ordered)
    return [_lab(name, [result for result in ordered if result.lab == name]) for name in names]


def _lab(name: str, results: list[Result]) -> dict:
    graded = [result for result in results if result.status == "graded"]
    whole = max(results, key=lambda result: len(result.exercises))
    ideas: dict[tuple[str, str, str], list[str]] = {}
    passes: Counter[str] = Counter()
    for result in graded:
        for exercise in result.exercises:
            passes[exercise.id] += exercise.status == "pass"
            if exercise.misconception:
                key = (exercise.id, exercise.misconception, exercise.explanation or "")
                ideas.setdefault(key, []).append(result.student)
    return {
        "name": name,
        "results": results,
        "exercises": [exercise.id for exercise in whole.exercises],
        "graded": len(graded),
        "passes": passes,
        "levels": sorted({result.isolation for result in graded}),
        "told": [one for one in results if one.problem or one.mended or one.cell_problems],
        "ideas": sorted(ideas.items(), key=lambda item: -len(item[1])),
    }
