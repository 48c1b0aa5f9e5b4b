"""What a student is told: the check, the misconception and the hint; and what was mended.

Never a number, and never the student's own words. What runs beside hidden inputs could write them
into an error message or an advice, and then the next attempt could climb on them. `Result` keeps
all of that for the instructor.
"""

from __future__ import annotations

import builtins

from autograder.results import CaseResult, ExerciseResult, Result

SENTENCES = {
    "pass": "Every hidden case passes.",
    "not_started": "Not started: the stub is as it was handed out.",
    "missing": "No function of this name was found after the cells had run.",
    "error": "Your code raised an error on a hidden case.",
    "timeout": "Your code took too long and was stopped.",
    "memory": "Your code ran out of memory.",
    "crash": "Your code ended the process that it ran in.",
    "invalid_output": "What your code returned is not a value that can be graded.",
    "unreadable": "The file could not be read.",
    "infrastructure": "Not graded yet, for a reason that is not yours: it will be tried again.",
}


def feedback(exercise: ExerciseResult) -> str:
    """Return what to tell the student, as plain text of a few lines."""
    told = [_verdict(exercise)]
    if exercise.misconception and exercise.status != "pass":
        told.append(f"misconception: {exercise.misconception}")
        told += [exercise.explanation] if exercise.explanation else []
        told += [f"hint: {exercise.hint}"] if exercise.hint else []
    return "\n".join(told)


def notes(result: Result) -> list[str]:
    """Return what to tell the student of the whole file: what was put right, which cells stopped.

    Both are known before any hidden input is sent.
    """
    told = [result.problem] if result.problem and result.status == "unreadable" else []
    return [*told, *result.mended, *map(_cell, result.cell_problems)]


def _cell(problem: str) -> str:
    """Return which cell stopped and why; what follows, an exception's text, may be anything."""
    where, colon, rest = problem.partition(": ")
    return f"{where} stopped when it ran: {rest.partition(':')[0]}" if colon else where


def _verdict(exercise: ExerciseResult) -> str:
    failed = [case for case in exercise.cases if not case.passed]
    if exercise.status in ("pass", "unreadable", "infrastructure") or not failed:
        return SENTENCES.get(exercise.status, exercise.status)
    passed = len(exercise.cases) - len(failed)
    counted = f"{passed} of {len(exercise.cases)} hidden cases pass. " if passed else ""
    return counted + reason(failed[0])


def reason(case: CaseResult) -> str:
    """Say why a case failed: the check by its name, or what stopped the call."""
    if case.failed_check:
        return f"Failed check: {case.failed_check}."
    if kind := _builtin_error(case):
        return f"Your code raised {kind} on a hidden case."
    return SENTENCES.get(case.status, case.status)


def _builtin_error(case: CaseResult) -> str | None:
    """Return the exception's name if it is one of Python's own: others the student may name."""
    name = case.message.partition(":")[0]
    kind = getattr(builtins, name, None) if case.status == "error" else None
    return name if isinstance(kind, type) and issubclass(kind, Exception) else None
