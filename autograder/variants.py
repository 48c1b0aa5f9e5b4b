"""Make the hidden variants of a lab, each from a seed that the course secret gives."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from autograder.cases import Source, distance, load_source, make_case
from autograder.record import MARGIN_FLOOR, MarginError
from autograder.recorded import Case, RecordedExercise, RecordedLab, load_lab
from autograder.side_by_side import processes

VARIANTS = 24


def make_variants(
    lab: RecordedLab,
    source: Source,
    secret: bytes,
    *,
    solutions: Path | None = None,
    workers: int = 1,
) -> Iterator[tuple[str, Case]]:
    """Yield each variant with the name of its exercise, in the lab's order.

    Args:
        lab: the recorded lab.
        source: its spec and solutions.
        secret: the course secret.
        solutions: where the source was loaded from, for processes that have to load it too.
        workers: how many processes there are to be.

    Raises:
        MarginError: on some variant a misconception comes too close to passing.
        SourceError: the solutions fail on some variant.

    """
    wanted = [(exercise.name, place) for exercise in lab.exercises for place in range(VARIANTS)]
    if workers == 1:
        for name, place in wanted:
            yield name, _variant(lab.exercise(name), source, secret, place)
        return
    make = partial(_made_beside, lab.name, solutions, secret)
    with processes(workers) as pool:
        for (name, _), made in zip(wanted, pool.map(make, wanted, chunksize=2), strict=True):
            case, trees, tensors = made
            yield name, Case(case, trees, load_tensors(tensors))


def _made_beside(
    lab: str, solutions: Path | None, secret: bytes, wanted: tuple[str, int]
) -> tuple[str, Any, bytes]:
    name, place = wanted
    case = _variant(load_lab(lab).exercise(name), _source(lab, solutions), secret, place)
    return case.id, case.trees, save_tensors(dict(case.tensors))


_source = lru_cache(load_source)


def _variant(exercise: RecordedExercise, source: Source, secret: bytes, place: int) -> Case:
    spec = source.lab.exercise(exercise.name)
    seed = digest(secret, exercise.id, str(place))
    case = make_case(spec, source.answers[exercise.name], f"hidden-{place + 1}", seed)
    floor = (exercise.tolerance or 0) * MARGIN_FLOOR
    for idea, output in case.misconceptions.items():
        effect = distance(spec, case.expected, output)
        if effect <= floor:
            raise MarginError(
                f"{exercise.id}: on {case.id} the misconception {idea} differs from the right "
                f"answer by {effect:.2g}, less than {MARGIN_FLOOR} tolerances: mend the case "
                "function in the lab's spec, take another secret, or, with solutions of your own, "
                "let them compute something else"
            )
    return case


def digest(secret: bytes, *parts: str) -> str:
    """Return what nobody can foresee without the secret, the same for the same parts."""
    return hmac.new(secret, "\0".join(parts).encode(), hashlib.sha256).hexdigest()
