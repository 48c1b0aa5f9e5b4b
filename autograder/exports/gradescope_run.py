"""Grade one submission where Gradescope runs us, and write its `results.json`.

`run_autograder` starts this as root. Students' code runs in the sandbox, as another user and as
well confined as the machine allows; what it prints goes nowhere. The standard output of this
process, which Gradescope shows to instructors only, gets the canonical results.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from autograder.bank import read_bank
from autograder.batch import Papers, grade
from autograder.exports.handed_in import find
from autograder.feedback import feedback, notes
from autograder.files import write_atomically
from autograder.recorded import load_lab, recorded_labs
from autograder.results import ExerciseResult, Result
from autograder.sandbox import Sandbox, SandboxError
from autograder.stamps import stamp

NO_GRADE = 3


def main(home: Path) -> int:
    """Grade what is in `home/submission`; return 0 when `home/results/results.json` is written."""
    started = time.monotonic()
    try:
        results = graded(home)
    except SandboxError as error:
        print(f"no grade: {error}", file=sys.stderr)
        return NO_GRADE
    for result in results:
        print(result.to_json())
    if problems := [one.problem for one in results if one.status == "infrastructure"]:
        print(f"no grade: {'; '.join(map(str, problems))}", file=sys.stderr)
        return NO_GRADE
    seconds = time.monotonic() - started
    text = json.dumps(as_gradescope(results, seconds), indent=1)
    write_atomically(home / "results" / "results.json", text.encode())
    return 0


def graded(home: Path) -> list[Result]:
    """Return the result of every lab that this autograder grades."""
    metadata = json.loads((home / "submission_metadata.json").read_text(encoding="utf-8"))
    # Of a group, always the same member: whose inputs they get must not change.
    student = min(user["email"] for user in metadata["users"])
    when = stamp(metadata.get("created_at") or "")
    labs = recorded_labs()
    results = []
    with Sandbox() as sandbox:
        for name in labs:
            bank = home / "source" / "banks" / f"{name}.safetensors"
            key = bank.with_suffix(".key").read_bytes()
            papers = Papers.hidden(read_bank(load_lab(name), bank, key))
            found = find(home / "submission", name, labs, student=student, when=when)
            results.append(grade(found, papers, sandbox))
    return results


def as_gradescope(results: list[Result], seconds: float) -> dict[str, Any]:
    """Return results in Gradescope's format: a test per exercise, told as students may read it."""
    several = len(results) > 1
    return {
        "score": sum(result.score or 0.0 for result in results),
        "execution_time": round(seconds, 1),
        "output": "\n".join(f"{one.lab}: {line}" for one in results for line in notes(one)),
        "output_format": "text",
        "test_output_format": "text",
        "test_name_format": "text",
        "visibility": "visible",
        # It may hold hidden inputs.
        "stdout_visibility": "hidden",
        "extra_data": {"glassbox": [_provenance(result) for result in results]},
        "tests": [
            _test(exercise, result, f"{part}.{place}" if several else f"{place}")
            for part, result in enumerate(results, 1)
            for place, exercise in enumerate(result.exercises, 1)
        ],
    }


def _test(exercise: ExerciseResult, result: Result, number: str) -> dict[str, Any]:
    return {
        "score": exercise.score or 0.0,
        "max_score": exercise.max_score,
        "status": "passed" if exercise.status == "pass" else "failed",
        "name": exercise.id.partition("/")[2],
        "name_format": "text",
        "number": number,
        "output": feedback(exercise),
        "output_format": "text",
        "tags": [result.lab],
        "visibility": "visible",
        "extra_data": {"exercise": exercise.id, "status": exercise.status},
    }


def _provenance(result: Result) -> dict[str, Any]:
    return {
        "schema": result.schema_,
        "lab": result.lab,
        "student": result.student,
        "graded_at": result.graded_at,
        "isolation": result.isolation,
        "grader": result.grader.model_dump(),
    }


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
