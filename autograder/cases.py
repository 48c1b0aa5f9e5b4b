"""Make cases from a lab's spec and solutions: inputs, the reference answer, the wrong answers.

Only an author's or an instructor's machine runs this. The public cases (`record`) and the hidden
ones (`bank`) are made the same way, from different seeds.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import inspect
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from autograder.compare import compare
from autograder.draw import Draw
from autograder.invariances import canonical
from autograder.paths import Rooms
from autograder.recorded import Case
from autograder.spec import Exercise, Lab
from autograder.values import flatten, rebuilt, renamed, scale, to_double

Answer = Callable[..., Any]


class SourceError(ValueError):
    """Solutions, the course's or an instructor's own, that nothing can be graded with."""


@dataclass(frozen=True)
class Source:
    """A lab's spec with its reference answers and the hash of both."""

    lab: Lab
    answers: Mapping[str, Answer]
    sha256: str


def load_source(name: str, solutions: Path | None = None) -> Source:
    """Load a lab's spec and the functions of its solution script.

    Args:
        name: the lab.
        solutions: a folder with an instructor's own variant of `<lab>.py`.

    Raises:
        SourceError: the script cannot be read or run, or lacks a function.
        RoomMissingError: there is no such script.

    """
    rooms = Rooms.here()
    script = replace(rooms, solutions=solutions or rooms.solutions).solution(name)
    spec = importlib.import_module(f"autograder.labs.{name}")
    files = [script, *_source_files(Path(str(spec.__file__)))]
    digest = hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()
    answers = _functions(script)
    for exercise in spec.LAB.exercises:
        if exercise.name not in answers:
            raise SourceError(
                f"{script} defines no function {exercise.name}, which autograder/labs/{name} names"
            )
    return Source(spec.LAB, answers, digest)


def _source_files(spec: Path) -> list[Path]:
    drawing = Path(__file__).with_name("draw.py")
    parts = sorted(spec.parent.glob("*.py")) if spec.name == "__init__.py" else [spec]
    return [*parts, drawing]


def _functions(script: Path) -> dict[str, Answer]:
    """Run a script's imports and function definitions, and none of its text, plots and checks."""
    try:
        tree = ast.parse(script.read_text(encoding="utf-8"))
    except SyntaxError as error:
        raise SourceError(f"{script}, line {error.lineno}: not Python: {error.msg}") from None
    kept: list[ast.stmt] = [
        node
        for node in tree.body
        if isinstance(node, ast.Import | ast.FunctionDef)
        or (isinstance(node, ast.ImportFrom) and node.module != "autograder")
    ]
    namespace: dict[str, Any] = {"__name__": script.stem}
    try:
        exec(compile(ast.Module(kept, type_ignores=[]), str(script), "exec"), namespace)
    except Exception as error:
        raise SourceError(f"{script}{_line_in(script, error)}: {_told(error)}") from error
    return {node.name: namespace[node.name] for node in kept if isinstance(node, ast.FunctionDef)}


def make_case(exercise: Exercise, answer: Answer, case_id: str, seed: str) -> Case:
    """Draw inputs from the seed and compute, in float64, the right answer and every wrong one.

    Raises:
        DrawError: such inputs are too rare.
        SourceError: the right answer's code fails on them.

    """
    inputs = exercise.case(Draw(seed))
    values = {
        "inputs": inputs,
        "expected": _right_answer(exercise.name, case_id, answer, inputs),
        "misconceptions": {
            idea.id: in_double(idea.wrong, inputs) for idea in exercise.misconceptions
        },
    }
    trees: dict[str, Any] = {}
    tensors: dict[str, Tensor] = {}
    for part, value in values.items():
        tree, found = flatten(value)
        prefix = f"{exercise.name}.{case_id}.{part}."
        trees[part] = renamed(tree, prefix.__add__)
        tensors.update({prefix + key: tensor for key, tensor in found.items()})
    return Case(case_id, trees, tensors)


def _right_answer(name: str, case_id: str, answer: Answer, inputs: Mapping[str, Any]) -> Any:
    try:
        return in_double(answer, inputs)
    except Exception as error:
        script = script_of(answer)
        where = f"{script}{_line_in(script, error)}"
        raise SourceError(f"{where}: {name} fails on {case_id}: {_told(error)}") from error


def script_of(answer: Answer) -> Path:
    """Return the file that a solution's function was written in."""
    code = getattr(inspect.unwrap(answer), "__code__", None)
    return Path(code.co_filename if code else "solutions")


def _line_in(script: Path, error: BaseException) -> str:
    """Return ", line 7", the last line of a script that an exception passed through."""
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename == str(script)
    ]
    return f", line {lines[-1]}" if lines else ""


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".partition("\n")[0]


def in_double(answer: Answer, inputs: Mapping[str, Any]) -> Any:
    """Call an answer on float64 copies of its inputs."""
    return answer(*(to_double(value) for value in inputs.values()))


def in_single(answer: Answer, inputs: Mapping[str, Any]) -> Any:
    """Call an answer on copies of its inputs as they are; return it as it would cross."""
    return rebuilt(answer(*(rebuilt(value) for value in inputs.values())))


def distance(exercise: Exercise, expected: Any, other: Any) -> float:
    """Return the largest difference relative to its tensor's scale; inf if not even of one form."""
    verdict = compare(
        expected, other, axes=exercise.axes, tolerance=None, invariance=exercise.invariance
    )
    if verdict.passed:
        return 0.0
    if verdict.check != "values":
        return float("inf")
    if exercise.invariance is not None:
        expected, other = canonical(expected, other, exercise.invariance)
    return max(_leaf_distances(expected, other), default=0.0)


def _leaf_distances(expected: Any, other: Any) -> list[float]:
    match expected:
        case Tensor() | float() if _is_floating(expected):
            one, two = (torch.as_tensor(side, dtype=torch.float64) for side in (expected, other))
            finite = torch.isfinite(one)
            return [float((two - one)[finite].abs().max()) / scale(one)] if finite.any() else []
        case dict():
            return [gap for key in expected for gap in _leaf_distances(expected[key], other[key])]
        case list() | tuple():
            pairs = zip(expected, other, strict=True)
            return [gap for one, two in pairs for gap in _leaf_distances(one, two)]
        case Tensor():
            return [0.0 if torch.equal(expected, other) else float("inf")]
        case _:
            return [0.0 if expected == other else float("inf")]


def is_exact(expected: Any) -> bool:
    """Say whether an answer holds no floating number, so that it is right or wrong outright."""
    if isinstance(expected, dict):
        return all(map(is_exact, expected.values()))
    if isinstance(expected, list | tuple):
        return all(map(is_exact, expected))
    return not _is_floating(expected)


def _is_floating(value: Any) -> bool:
    return value.is_floating_point() if isinstance(value, Tensor) else isinstance(value, float)
