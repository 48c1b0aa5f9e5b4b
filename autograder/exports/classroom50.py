"""Classroom 50: an `autograder.py` for the config repository, and the `result.json` it writes.

There students' code is graded in a workflow of the student's own repository, so it is practice on
the public cases. The runner adds who owns the repository, and when it was submitted, by itself.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from autograder.exports import ExportError
from autograder.exports.handed_in import find
from autograder.files import write_atomically
from autograder.practice import practise
from autograder.recorded import RecordedLab, load_lab
from autograder.release import DISTRIBUTION
from autograder.render import Report
from autograder.results import ExerciseResult, exercise_result, now
from autograder.submissions import SubmissionError

SCHEMA = "classroom50/result/v1"
# Scores have to be whole: they count hundredths of a point.
SCALE = 100
# The runner sets these; what it calls them there -> the field.
GIVEN = {
    "classroom": "CLASSROOM",
    "assignment": "ASSIGNMENT",
    "owner": "USERNAME",
    "submission": "SUBMISSION_TAG",
    "commit": "COMMIT_URL",
    "release": "RELEASE_URL",
}


def write_autograder(lab: str, out: Path, *, requirement: str | None = None) -> Path:
    """Write the `autograder.py` of one lab, and return its path.

    Args:
        lab: a recorded lab.
        out: the file to write, or a folder to write `autograder.py` into.
        requirement: what pip installs where there is no Glassbox; this version by default.

    """
    environment = Environment(
        loader=PackageLoader("autograder.exports"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    text = environment.get_template("classroom50.py.j2").render(
        lab=load_lab(lab).name,
        requirement=requirement or f"{DISTRIBUTION}=={metadata.version(DISTRIBUTION)}",
    )
    target = out / "autograder.py" if out.is_dir() else out
    write_atomically(target, text.encode())
    return target


def grade_checkout(
    lab: str, checkout: Path, out: Path, given: Mapping[str, str]
) -> tuple[list[Report], list[str]]:
    """Grade a student's checkout on the public cases and write `result.json`.

    Args:
        lab: the lab that the assignment is.
        checkout: the student's repository.
        out: the file to write.
        given: the environment that the runner sets.

    Returns:
        what to print: a report per exercise, and notes.

    Raises:
        ExportError: the runner's environment is not here.
        SandboxError: no grade, for a reason that is not the student's.

    """
    missing = [name for name in GIVEN.values() if not given.get(name)]
    if missing:
        raise ExportError(
            f"not set: {', '.join(missing)}. Classroom 50's runner sets them; elsewhere use "
            "`glassbox check FILE`"
        )
    recorded = load_lab(lab)
    found = find(checkout, lab, [lab], student="", when=None)
    try:
        if found.problem:
            raise SubmissionError(found.problem)
        reports, notes = practise(found.path, lab)
        exercises = [exercise_result(report.attempt) for report in reports]
    except SubmissionError as error:  # the student's to mend: no points, and why
        reports, notes, exercises = [], [str(error)], _unreadable(recorded)
    result = as_classroom50(exercises, given)
    write_atomically(out, json.dumps(result, indent=2).encode() + b"\n")
    return reports, notes


def _unreadable(lab: RecordedLab) -> list[ExerciseResult]:
    return [
        ExerciseResult(id=one.id, status="unreadable", score=0.0, max_score=one.points)
        for one in lab.exercises
    ]


def as_classroom50(exercises: Sequence[ExerciseResult], given: Mapping[str, str]) -> dict[str, Any]:
    """Return graded exercises as a `result.json`: a test per exercise."""
    most = whole([one.max_score * SCALE for one in exercises])
    got = whole([(one.score or 0.0) * SCALE for one in exercises], most)
    return {
        "schema": SCHEMA,
        **{field: given[name] for field, name in GIVEN.items()},
        "assignment_type": given.get("ASSIGNMENT_TYPE") or "individual",
        "review": given.get("REVIEW_URL") or given["COMMIT_URL"],
        "datetime": now(),
        "score": sum(got),
        "max-score": sum(most),
        "tests": [
            {
                "test-name": one.id.partition("/")[2],
                "passed": one.status == "pass",
                "score": score,
                "max-score": maximum,
            }
            for one, score, maximum in zip(exercises, got, most, strict=True)
        ],
    }


def whole(values: Sequence[float], at_most: Sequence[int] | None = None) -> list[int]:
    """Round so that the sum is the rounded sum: by largest remainder, none above its limit."""
    floors = [math.floor(value + 1e-6) for value in values]
    limits = at_most or [floor + 1 for floor in floors]
    missing = round(sum(values)) - sum(floors)
    by_remainder = sorted(range(len(values)), key=lambda place: floors[place] - values[place])
    for place in by_remainder:
        if missing > 0 and floors[place] < limits[place]:
            floors[place] += 1
            missing -= 1
    return floors
