"""Judge an answer, and name the idea that went wrong.

A misconception is recorded as the output of wrong code on the same inputs. An answer that equals
it, or equals it up to a transpose or a factor, is named by it, unless the right answer is as near.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from autograder.compare import compare, relation_to
from autograder.invariances import canonical
from autograder.recorded import Case, RecordedExercise
from autograder.values import scale
from autograder.verdict import Mismatch, Verdict


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
        _expected(case),
        got,
        axes=exercise.axes,
        tolerance=exercise.tolerance,
        invariance=exercise.invariance,
    )
    return Judgement(case.id, verdict, () if verdict.passed else _explain(exercise, case, got))


def commonest(judgements: list[Judgement]) -> Match | None:
    """Return the misconception that explains most of the failed cases; exact matches come first.

    One that explains half of them or fewer is no explanation, and of two that explain equally
    many neither is named: a wrong name is worse than none.
    """
    failed = [judgement for judgement in judgements if not judgement.verdict.passed]
    matches = [match for judgement in failed for match in judgement.matches]
    for exact in (True, False):
        found = {one.misconception: one for one in matches if (one.how == "exact") == exact}
        votes = Counter(
            one.misconception for one in matches if (one.how == "exact") == exact
        ).most_common(2)
        if votes and 2 * votes[0][1] > len(failed):
            tied = len(votes) == 2 and votes[0][1] == votes[1][1]
            return None if tied else found[votes[0][0]]
    return None


def _explain(exercise: RecordedExercise, case: Case, got: Any) -> tuple[Match, ...]:
    # Wrong code differs from wrong code by more than right code does: allow ten times the noise.
    tolerance = None if exercise.tolerance is None else 10 * exercise.tolerance
    wrong = _wrong(case)
    exact = tuple(
        Match(name, "exact")
        for name, output in wrong.items()
        if _equal(exercise, output, got, tolerance)
    )
    if exact or tolerance is None or _relation(exercise, _expected(case), got):
        return exact  # the right answer times a factor says more than a wrong one times another
    found = ((name, _relation(exercise, output, got)) for name, output in wrong.items())
    return tuple(Match(name, how) for name, how in found if how)


@lru_cache(maxsize=512)
def _expected(case: Case) -> Any:
    """Return a case's reference answer, kept because a class answers the same cases; only read."""
    return case.expected


@lru_cache(maxsize=512)
def _wrong(case: Case) -> dict[str, Any]:
    """Return a case's misconceptions, kept as the reference is; only read."""
    return case.misconceptions


def _equal(exercise: RecordedExercise, wrong: Any, got: Any, tolerance: float | None) -> bool:
    if exercise.invariance is None and _surely_differ(wrong, got, tolerance or 0.0):
        return False
    wrong, got = _without_shared_nan(wrong, got)
    if exercise.invariance is not None:
        try:
            wrong, got = canonical(wrong, got, exercise.invariance)
        except Mismatch:
            return False
        if _surely_differ(wrong, got, tolerance or 0.0):
            return False
    return compare(wrong, got, axes=exercise.axes, tolerance=tolerance).passed


def _surely_differ(wrong: Any, got: Any, tolerance: float) -> bool:
    """Tell most of what differs without the words that `compare` finds for it; in doubt say no."""
    match wrong, got:
        case Tensor(), Tensor() if wrong.shape == got.shape and wrong.is_floating_point():
            if got.is_complex():
                return False
            wide = wrong.double()
            return bool(((got.double() - wide).abs() > tolerance * scale(wide)).any())
        case float(), float():
            return abs(got - wrong) > tolerance * abs(wrong) + math.ulp(0.0)
        case (dict(), dict()) if wrong.keys() == got.keys():
            return any(_surely_differ(part, got[key], tolerance) for key, part in wrong.items())
        case (list() | tuple(), list() | tuple()) if len(wrong) == len(got):
            pairs = zip(wrong, got, strict=True)
            return any(_surely_differ(one, two, tolerance) for one, two in pairs)
        case set(), set():
            return wrong != got
    return False


def _without_shared_nan(wrong: Any, got: Any) -> tuple[Any, Any]:
    """Return both with 0 where both are NaN: a right answer never is, but a wrong one may be."""
    if isinstance(wrong, Tensor) and isinstance(got, Tensor) and wrong.shape == got.shape:
        shared = torch.isnan(wrong) & torch.isnan(got)
        return wrong.masked_fill(shared, 0), got.masked_fill(shared, 0)
    return wrong, got


def _relation(exercise: RecordedExercise, wrong: Any, got: Any) -> str:
    """Say how a tensor answer is a transformed misconception, or return an empty text."""
    if exercise.invariance is not None:
        try:
            wrong, got = canonical(wrong, got, exercise.invariance)
        except Mismatch:
            return ""
    if not (isinstance(wrong, Tensor) and isinstance(got, Tensor) and wrong.shape == got.shape):
        return ""
    if got.is_complex() or wrong.is_complex():
        return ""
    wrong, got = wrong.to(torch.float64), got.to(torch.float64)
    if wrong.numel() < 2 or wrong.max() == wrong.min():
        return ""  # every constant is every other times a factor
    axes = tuple(f"axis {place}" for place in range(wrong.ndim))
    relation = relation_to(wrong, got, axes, exercise.tolerance or 1e-6, shift=False)
    return relation.replace("yours is the expected answer", "that answer") if relation else ""
