"""Record a lab's references, with tolerances that are measured.

The noise is how far honest arithmetic strays: the reference answer in float32 against float64.
The tolerance is ten times that. The effect is the smallest difference that any misconception makes.
The margin is effect / tolerance, and a lab whose margin is under 30 is refused: its inputs would
let a wrong answer pass, or a right one fail, on another machine.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import math
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from autograder.cases import Source, distance, in_single, is_exact, load_source, make_case
from autograder.diagnose import commonest, judge
from autograder.drift import Drift
from autograder.recorded import FOLDER, SCHEMA, Case, NamedIdea, RecordedExercise
from autograder.spec import Exercise

MARGIN_FLOOR = 30
NOISE_TO_TOLERANCE = 10
# The least that float32 can promise on any machine, whatever this one happened to measure.
NOISE_FLOOR = 2e-7
EXTRA_DRAWS = 8


class MarginError(ValueError):
    """Inputs on which a wrong answer comes too close to passing, or is not told from another."""


def record(name: str) -> dict[str, bytes]:
    """Return the bytes of a lab's two reference files by file name."""
    source = load_source(name)
    exercises, tensors = [], {}
    for exercise in source.lab.exercises:
        recorded = record_exercise(source, exercise)
        exercises.append(_as_json(recorded))
        for case in recorded.cases:
            tensors.update(case.tensors)
    blob = save_tensors(tensors)
    data = {
        "schema": SCHEMA,
        "name": name,
        "title": source.lab.title,
        "module": source.lab.module,
        "model": source.lab.model,
        "lessons": list(source.lab.lessons),
        "source_sha256": source.sha256,
        "tensors_sha256": hashlib.sha256(blob).hexdigest(),
        "recorded_in": {"dtype": "float64", "torch": str(torch.__version__).partition("+")[0]},
        "exercises": exercises,
    }
    text = json.dumps(data, indent=1, ensure_ascii=False) + "\n"
    return {f"{name}.json": text.encode(), f"{name}.safetensors": blob}


def record_exercise(source: Source, exercise: Exercise) -> RecordedExercise:
    """Make an exercise's public cases and measure its tolerance and margin.

    Raises:
        MarginError: the margin is under the floor, or a misconception is not named as itself.

    """
    answer = source.answers[exercise.name]
    stem = f"{source.lab.name}/{exercise.name}"

    def case(label: str) -> Case:
        return make_case(exercise, answer, label, f"{stem}/{label}")

    cases = tuple(case(f"public-{place}") for place in range(1, exercise.public_cases + 1))
    require_variety(stem, cases)
    drawn = [*cases, *(case(f"extra-{place}") for place in range(EXTRA_DRAWS))]
    measured = measure(exercise, answer, drawn)
    recorded = RecordedExercise(
        id=stem,
        name=exercise.name,
        title=exercise.title,
        claim=exercise.claim,
        objective=exercise.objective,
        signature=f"{exercise.name}{inspect.signature(answer)}",
        points=exercise.points,
        minutes=exercise.minutes,
        difficulty=exercise.difficulty,
        axes=exercise.axes,
        invariance=exercise.invariance,
        hints=exercise.hints,
        misconceptions=tuple(
            NamedIdea(idea.id, idea.text, idea.hint) for idea in exercise.misconceptions
        ),
        withheld=exercise.withheld,
        seconds=exercise.seconds,
        megabytes=exercise.megabytes,
        cases=cases,
        **measured,
    )
    require_named(recorded, exercise)
    return recorded


def measure(exercise: Exercise, answer: Any, cases: list[Case]) -> dict[str, Any]:
    """Measure noise and effect over some cases; return tolerance, noise, effect and margin."""
    exact = is_exact(cases[0].expected)
    noise = max(distance(exercise, c.expected, in_single(answer, c.inputs)) for c in cases)
    if noise > 1e-3 or (exact and noise):
        raise MarginError(
            f"{exercise.name}: the answer in float32 differs from float64 by {noise:.2g}: "
            "is a dtype fixed in the solution, or an answer decided by a near tie?"
        )
    effect, closest = min(
        (distance(exercise, case.expected, wrong), f"{name} on {case.id}")
        for case in cases
        for name, wrong in case.misconceptions.items()
    )
    if exact:
        if effect == 0:
            raise MarginError(f"{exercise.name}: {closest} gives the right answer")
        return {"tolerance": None, "noise": None, "effect": None, "margin": "exact"}
    noise = max(noise, NOISE_FLOOR)
    tolerance = _one_digit_up(NOISE_TO_TOLERANCE * noise)
    margin = min(effect, 1.0) / tolerance
    if margin < MARGIN_FLOOR:
        raise MarginError(
            f"{exercise.name}: {closest} differs from the right answer by only {effect:.2g}, "
            f"{margin:.1f} times the tolerance {tolerance:.1g} (at least {MARGIN_FLOOR} is asked): "
            "choose inputs on which the wrong idea shows more"
        )
    return {
        "tolerance": tolerance,
        "noise": _rounded(noise),
        "effect": _rounded(min(effect, 1.0)),
        "margin": _rounded(margin),
    }


def require_variety(exercise: str, cases: tuple[Case, ...]) -> None:
    """Check that no whole number is the same in all public cases: a constant would pass for it."""
    for name, value in cases[0].inputs.items():
        if isinstance(value, int) and len({case.inputs[name] for case in cases}) == 1:
            raise MarginError(
                f"{exercise}: `{name}` is {value} in every public case, so an answer that ignores "
                "it would pass: draw it more widely, or record more public cases"
            )


def require_named(recorded: RecordedExercise, exercise: Exercise) -> None:
    """Check that every misconception, run as a student would, loses everywhere and is named."""
    for idea in exercise.misconceptions:
        judgements = [
            judge(recorded, case, in_single(idea.wrong, case.inputs)) for case in recorded.cases
        ]
        found = commonest(judgements)
        if any(judgement.verdict.passed for judgement in judgements):
            raise MarginError(f"{recorded.id}: the misconception {idea.id} passes a case")
        if found is None or found.misconception != idea.id:
            raise MarginError(
                f"{recorded.id}: the misconception {idea.id} is taken for "
                f"{found.misconception if found else 'nothing'}: the public cases do not tell "
                "them apart"
            )


def _as_json(recorded: RecordedExercise) -> dict[str, Any]:
    data = {key: getattr(recorded, key) for key in recorded.__dataclass_fields__}
    data["misconceptions"] = [vars(idea) for idea in recorded.misconceptions]
    data["cases"] = [{"id": case.id, "trees": case.trees} for case in recorded.cases]
    return data


def _rounded(number: float) -> float:
    return float(f"{number:.2g}")


def _one_digit_up(number: float) -> float:
    """Round up to one significant digit, so that the tolerance is the same on every machine."""
    step = 10.0 ** math.floor(math.log10(number))
    return float(f"{math.ceil(number / step - 1e-9) * step:.0e}")


def write(name: str) -> list[Path]:
    """Record a lab and write its two files."""
    written = []
    for file_name, content in record(name).items():
        path = FOLDER / file_name
        path.write_bytes(content)
        written.append(path)
    return written


def check(name: str) -> list[Drift]:
    """Record a lab again and say where the committed references differ.

    Texts, trees and shapes must be equal; numbers may differ as the last bits of float64 do
    between processors, and the measured noise as it does between machines.
    """
    old = {kind: FOLDER / f"{name}{kind}" for kind in (".json", ".safetensors")}
    missing = [Drift(path, "missing: run `glassbox record`") for path in old.values()]
    missing = [drift for drift in missing if not drift.path.exists()]
    if missing:
        return missing
    new = record(name)
    before = json.loads(old[".json"].read_text(encoding="utf-8"))
    after = json.loads(new[f"{name}.json"])
    changed = _differences(_comparable(before), _comparable(after), "")
    drifts = [Drift(old[".json"], f"{where} differs") for where in changed[:5]]
    drifts += _measured_drifts(old[".json"], before, after)
    blob = old[".safetensors"].read_bytes()
    if hashlib.sha256(blob).hexdigest() != before["tensors_sha256"]:
        return [*drifts, Drift(old[".safetensors"], "is not the file that the JSON names")]
    fresh = load_tensors(new[f"{name}.safetensors"])
    return drifts + _tensor_drifts(old[".safetensors"], load_tensors(blob), fresh)


MEASURED = ("tolerance", "noise", "effect", "margin")


def _comparable(data: dict[str, Any]) -> dict[str, Any]:
    exercises = [
        {key: value for key, value in exercise.items() if key not in MEASURED}
        for exercise in data["exercises"]
    ]
    kept = {key: data[key] for key in data if key not in ("tensors_sha256", "recorded_in")}
    # Through JSON, so that tuples and lists of the same content are equal.
    return json.loads(json.dumps({**kept, "exercises": exercises}))


def _differences(before: Any, after: Any, where: str) -> list[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        keys = [*before, *(key for key in after if key not in before)]
        return [
            found
            for key in keys
            for found in _differences(before.get(key), after.get(key), f"{where}.{key}")
        ]
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return [
            found
            for place, (one, two) in enumerate(zip(before, after, strict=True))
            for found in _differences(one, two, f"{where}[{place}]")
        ]
    return [] if before == after or _close_floats(before, after) else [where]


def _close_floats(one: Any, two: Any) -> bool:
    """Say whether both are floats in the hexadecimal form of `values`, and nearly equal."""
    if not all(isinstance(side, str) and side.lstrip("-").startswith("0x") for side in (one, two)):
        return False
    return math.isclose(float.fromhex(one), float.fromhex(two), rel_tol=1e-9)


def _measured_drifts(path: Path, before: dict[str, Any], after: dict[str, Any]) -> list[Drift]:
    drifts = []
    for old, new in zip(before["exercises"], after["exercises"], strict=False):
        if (old["tolerance"] is None) != (new["tolerance"] is None):
            drifts.append(Drift(path, f"{old['id']}: exact on one side only"))
        elif old["tolerance"] and not 1 / 3 <= new["tolerance"] / old["tolerance"] <= 3:
            drifts.append(
                Drift(path, f"{old['id']}: tolerance {old['tolerance']}, now {new['tolerance']}")
            )
    return drifts


def _tensor_drifts(path: Path, before: dict[str, Tensor], after: dict[str, Tensor]) -> list[Drift]:
    drifts = [Drift(path, f"holds {key}, which is not recorded any more") for key in before]
    drifts = [drift for drift, key in zip(drifts, before, strict=True) if key not in after]
    for key, fresh in after.items():
        stored = before.get(key)
        if stored is None or stored.shape != fresh.shape or stored.dtype != fresh.dtype:
            drifts.append(Drift(path, f"{key} is missing or has another shape or dtype"))
        elif not torch.allclose(stored, fresh, rtol=1e-6, atol=1e-9, equal_nan=True):
            drifts.append(Drift(path, f"{key} is not reproduced"))
    return drifts[:5]
