"""Judge an answer, and name the idea that went wrong.

A misconception is recorded as the output of wrong code on the same inputs. An answer that equals
it, or equals it up to a transpose, a factor or a shift, is named by it, unless the right answer is
as near.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from autograder.compare import INVARIANCES, Mismatch, Verdict, compare, relation_to
from autograder.recorded import Case, RecordedExercise


@dataclass(frozen=True)
class Match:
    """A misconception that explains an answer: exactly, or up to a simple transformation."""

    misconception: str
    how: str


@dataclass(frozen=True)
class Judgement:
    """One case's verdict, with every misconception that explains a wrong answer."""

    case: str
    verdict: Verdict
    matches: tuple[Match, ...] = ()


def judge(exercise: RecordedExercise, case: Case, got: Any) -> Judgement:
    """Compare one answer with the case's reference and, if it is wrong, look for the reason."""
    verdict = compare(
        case.expected,
        got,
        axes=exercise.axes,
        tolerance=exercise.tolerance,
        invariance=exercise.invariance,
    )
    return Judgement(case.id, verdict, () if verdict.passed else _explain(exercise, case, got))


def commonest(judgements: list[Judgement]) -> Match | None:
    """Return the misconception that explains most of the failed cases; exact matches come first."""
    failed = [judgement for judgement in judgements if not judgement.verdict.passed]
    for exact in (True, False):
        votes = Counter(
            match
            for judgement in failed
            for match in judgement.matches
            if (match.how == "exact") == exact
        )
        if votes:
            return votes.most_common(1)[0][0]
    return None


def _explain(exercise: RecordedExercise, case: Case, got: Any) -> tuple[Match, ...]:
    # Wrong code differs from wrong code by more than right code does: allow ten times the noise.
    tolerance = None if exercise.tolerance is None else 10 * exercise.tolerance
    wrong = case.misconceptions
    exact = tuple(
        Match(name, "exact")
        for name, output in wrong.items()
        if compare(
            output, got, axes=exercise.axes, tolerance=tolerance, invariance=exercise.invariance
        ).passed
    )
    if exact or tolerance is None or _relation(exercise, case.expected, got):
        return exact  # the right answer times a factor says more than a wrong one times another
    found = ((name, _relation(exercise, output, got)) for name, output in wrong.items())
    return tuple(Match(name, how) for name, how in found if how)


def _relation(exercise: RecordedExercise, wrong: Any, got: Any) -> str:
    """Say how a tensor answer is a transformed misconception, or return an empty text."""
    if exercise.invariance is not None:
        try:
            wrong, got = (INVARIANCES[exercise.invariance](side) for side in (wrong, got))
        except Mismatch:
            return ""
    if not (isinstance(wrong, Tensor) and isinstance(got, Tensor) and wrong.shape == got.shape):
        return ""
    if got.is_complex() or wrong.is_complex():
        return ""
    wrong, got = wrong.to(torch.float64), got.to(torch.float64)
    axes = tuple(f"axis {place}" for place in range(wrong.ndim))
    relation = relation_to(wrong, got, axes, exercise.tolerance or 1e-6)
    return relation.replace("yours is the expected answer", "that answer") if relation else ""
