"""What the test files of `glassbox export otter` call: a verdict on one function of a notebook.

Otter runs a notebook and its tests in one process, and everything that Otter's own isolation lets
happen there can happen here: an answer could replace this very function. So the cases are the
public ones, as under `check`. Grade for credit with `glassbox grade`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from autograder.check import attempt_exercise
from autograder.recorded import load_lab
from autograder.render import Report


def check_env(exercise: str, env: Mapping[str, Any], case: str | None = None) -> None:
    """Check the function that answers an exercise, as it stands in a notebook's global names.

    Args:
        exercise: `<lab>/<function>`.
        env: the global names.
        case: one of its public cases; all of them by default.

    Raises:
        AssertionError: it is wrong, or not there; the text is the verdict that `check` shows.

    """
    lab, _, name = exercise.partition("/")
    recorded = load_lab(lab).exercise(name)
    if case is not None:
        recorded = replace(recorded, cases=tuple(one for one in recorded.cases if one.id == case))
    if name not in env:
        raise AssertionError(f"there is no {name}: run the cell that defines it")
    attempt = attempt_exercise(recorded, env[name])
    if attempt.status != "pass":
        raise AssertionError(str(Report(attempt)))
