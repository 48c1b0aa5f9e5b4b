"""What a learner calls in a notebook: `check, hint = lab("m3_induction")`.

`check(fn)` runs the function on the recorded public cases, in the learner's own process, and shows
the verdict. It needs no solutions, no specs and no network.
"""

from __future__ import annotations

import contextlib
import io
import linecache
import os
import sys
import traceback
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

import course
from autograder.advice import Before
from autograder.attempt import Attempt, CaseOutcome, from_judgement, stopped
from autograder.diagnose import judge
from autograder.recorded import Case, RecordedExercise, RecordedLab, RecordingError, load_lab
from autograder.render import Hint, Problem, Report
from autograder.values import ValueCrossingError, rebuilt
from autograder.withhold import withheld

Check = Callable[[Any], float | None]
OURS = (Path(__file__).parent, Path(str(course.__file__)).parent)


def lab(name: str) -> tuple[Check, Callable[[Any], None]]:
    """Return `check` and `hint` for one lab.

    `check(fn)` finds its exercise by the function's name, shows the verdict and returns None; while
    nbgrader runs the notebook it returns the score, which nbgrader reads as the cell's points.
    `hint(fn)` shows the next of the exercise's three hints, also before the first attempt.
    """
    recorded = load_lab(name)
    # One thread: small models run up to 100 times slower on two when the machine is busy.
    torch.set_num_threads(1)
    shown: dict[str, int] = {}

    def check(fn: Any) -> float | None:
        exercise = _find(recorded, fn, _callers_names())
        if isinstance(exercise, Problem):
            _display(exercise)
            return 0.0 if _under_nbgrader() else None
        attempt = attempt_exercise(exercise, fn)
        _display(Report(attempt))
        return attempt.score if _under_nbgrader() else None

    def hint(fn: Any) -> None:
        exercise = _find(recorded, fn, _callers_names())
        if isinstance(exercise, Problem):
            _display(exercise)
            return
        place = shown.get(exercise.name, 0)
        shown[exercise.name] = min(place + 1, len(exercise.hints) - 1)
        _display(Hint(exercise, place))

    return check, hint


def attempt_exercise(exercise: RecordedExercise, fn: Callable[..., Any]) -> Attempt:
    """Run a function on an exercise's public cases, in this process, and judge its answers."""
    advice: list[str] = []
    outcomes = []
    with withheld(exercise.withheld):
        for case in exercise.cases:
            outcome = _run_case(exercise, case, fn, advice)
            if outcome.status == "not_started":
                return stopped(exercise, "not_started", outcome.message, exercise.cases)
            outcomes.append(outcome)
    return Attempt(exercise, tuple(outcomes), tuple(dict.fromkeys(advice)))


def _run_case(
    exercise: RecordedExercise, case: Case, fn: Callable[..., Any], advice: list[str]
) -> CaseOutcome:
    inputs = case.inputs
    before = Before(inputs, case.trees["inputs"]["dict"], case.tensors)
    noise = io.StringIO()
    try:
        # A warning on stderr would cost a whole cell's marks under nbgrader.
        with warnings.catch_warnings(record=True) as caught, contextlib.redirect_stderr(noise):
            warnings.simplefilter("always")
            returned = fn(*inputs.values())
        got = rebuilt(returned)
    except NotImplementedError:
        return CaseOutcome(case.id, "not_started", "the function still raises NotImplementedError")
    except ValueCrossingError as error:
        return CaseOutcome(case.id, "fail", f"type: {error}")
    except Exception as error:
        return CaseOutcome(case.id, "error", describe_error(error))
    finally:
        advice += before.advice()
    advice += [f"Your code warned: {warning.message}" for warning in caught]
    return from_judgement(judge(exercise, case, got))


def describe_error(error: BaseException) -> str:
    """Return type, message and the last line of the learner's own code in an exception."""
    text = f"{type(error).__name__}: {error}"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if _is_learners(frame.filename)]
    if own:
        line = own[-1].line or linecache.getline(own[-1].filename, own[-1].lineno or 0).strip()
        text += f" (in {own[-1].name}, line {own[-1].lineno}: {line})"
    return text


def _is_learners(filename: str) -> bool:
    folders = Path(filename).parents
    return "site-packages" not in filename and not {*OURS} & {*folders}


def _find(recorded: RecordedLab, fn: Any, names: Mapping[str, Any]) -> RecordedExercise | Problem:
    """Return the exercise that `fn` answers, by its own name or by a name it goes under."""
    if not callable(fn):
        return Problem(
            "callable",
            f"check expects the function itself, got {type(fn).__name__}: write "
            "check(my_function), with no call inside",
        )
    exercises = {exercise.name: exercise for exercise in recorded.exercises}
    # A lambda, a decorated function or a module does not know the name it was given.
    bound = [name for name, value in names.items() if value is fn]
    for name in (getattr(fn, "__name__", ""), *bound):
        if name in exercises:
            return exercises[name]
    try:
        return recorded.exercise(getattr(fn, "__name__", type(fn).__name__))
    except RecordingError as error:
        return Problem("present", str(error))


def _callers_names() -> Mapping[str, Any]:
    """Return the global names of the notebook or script that called `check` or `hint`."""
    return sys._getframe(2).f_globals


def _under_nbgrader() -> bool:
    return "NBGRADER_EXECUTION" in os.environ


def _display(view: Any) -> None:
    """Show a view: HTML in a notebook, text in a terminal; never on stderr."""
    ipython = sys.modules.get("IPython")
    if ipython is not None and ipython.get_ipython() is not None:
        ipython.display.display(view)
    else:
        print(view)
