"""An explanation in a terminal: every case in a table, then the inputs and both answers of some."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from autograder.attempt import CaseOutcome
from autograder.beside import beside, one, printable
from autograder.explain import Explanation
from autograder.gradesheet import MARKS
from autograder.invariances import canonical
from autograder.recorded import Case
from autograder.sandbox import Answer
from autograder.verdict import Mismatch

_TENSOR_AXES = re.compile(r"\w+\[Tensor, '([^']*)'\]")


def show(told: Explanation) -> Iterator[RenderableType]:
    """Yield what to print."""
    yield _head(told)
    yield _cases(told)
    for place in told.in_full:
        yield from _in_full(told, place)


def _head(told: Explanation) -> Text:
    attempt = told.attempt
    passed = sum(one.passed for one in attempt.cases)
    lines = [
        f"{printable(told.student)}, {attempt.exercise.id}: {attempt.status}, "
        f"{attempt.score:.4g} of {attempt.exercise.points:g} points "
        f"({passed} of {len(attempt.cases)} cases)",
        f"{printable(str(told.submission.path))}, run again at isolation {told.level}",
        *(f"! {note}" for note in told.notes),
    ]
    if attempt.idea and attempt.match:
        lines.append(f"misconception: {attempt.idea.id} ({attempt.match.how})")
        lines.append(f"It looks as if the code {attempt.idea.text}")
        lines.append(f"hint: {attempt.idea.hint}")
    lines += [f"advice: {printable(text)}" for text in attempt.advice]
    lines.append("Below are numbers of hidden cases: for instructors, not for students.")
    return Text("\n".join(lines))


def _cases(told: Explanation) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("case", "verdict", "failed check", "misconception"):
        table.add_column(heading, no_wrap=heading == "case")
    table.add_column("seconds", justify="right")
    for outcome in told.attempt.cases:
        judgement = outcome.judgement
        matches = judgement.matches if judgement else ()
        check = judgement.verdict.check if judgement and not outcome.passed else ""
        table.add_row(
            outcome.case,
            f"{MARKS.get(outcome.status, '✗')} {outcome.status}",
            check,
            ", ".join(match.misconception for match in matches),
            f"{outcome.seconds:.3f}",
        )
    return table


def _in_full(told: Explanation, place: int) -> Iterator[RenderableType]:
    exercise, outcome, case = told.attempt.exercise, told.attempt.cases[place], told.cases[place]
    yield Text(f"{case.id}: {outcome.status}", style="bold")
    if not outcome.passed:
        yield Text(printable(outcome.message, 1000))
    yield Text("inputs", style="underline")
    at = _where(outcome)
    for name, value in case.inputs.items():
        match = _TENSOR_AXES.fullmatch(exercise.parameters.get(name, ""))
        yield one(name, value, match[1] if match else "", at)
    yield Text("answer", style="underline")
    answer = told.answers[place] if place < len(told.answers) else None
    yield from _both(told, case, answer)


def _both(told: Explanation, case: Case, answer: Answer | None) -> Iterator[RenderableType]:
    exercise = told.attempt.exercise
    if answer is None or answer.status != "value":
        yield one("expected", case.expected, exercise.axes)
        yield Text("got: no value" if answer else "got: not called any more")
        return
    expected, got = case.expected, answer.value
    if exercise.invariance is not None:
        try:
            expected, got = canonical(expected, got, exercise.invariance)
            yield Text(f"both in the form that is compared ({exercise.invariance})")
        except Mismatch:
            pass
    yield beside(expected, got, exercise.axes, exercise.tolerance)


def _where(outcome: CaseOutcome) -> dict[str, int]:
    """Return the position of the first entry that differs, on axes with names."""
    verdict = outcome.judgement.verdict if outcome.judgement else None
    if verdict is None or verdict.index is None:
        return {}
    return dict(zip(verdict.axes, verdict.index, strict=True))
