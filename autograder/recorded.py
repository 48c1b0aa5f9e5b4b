"""Recorded references: all that `check`, `hint` and `list` need to know about a lab.

`autograder/references/<lab>.json` holds the texts, tolerances and the trees of every public case;
`<lab>.safetensors` the tensors. Neither the solutions nor the specs are needed to read them.
"""

from __future__ import annotations

import ast
import difflib
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from safetensors.torch import load as load_tensors
from torch import Tensor

from autograder.values import Packed, unflatten

SCHEMA = "glassbox/references/v1"
FOLDER = Path(__file__).parent / "references"


class RecordingError(ValueError):
    """References that are missing, damaged or of another version."""


@dataclass(frozen=True, eq=False)
class Case:
    """One set of inputs with the expected answer and what each misconception answers.

    A case equals itself alone. The properties build fresh values at every access, so that nobody
    can spoil the next reader's.
    """

    id: str
    trees: Mapping[str, Any]
    tensors: Mapping[str, Tensor]

    @property
    def inputs(self) -> dict[str, Any]:
        """The arguments by name, in the signature's order."""
        return unflatten(self.trees["inputs"], self.tensors, trusted=True)

    @property
    def packed(self) -> dict[str, Packed]:
        """The arguments by name as they are stored, to be sent on."""
        arguments = self.trees["inputs"]["dict"]
        return {name: Packed(tree, self.tensors) for name, tree in arguments.items()}

    @property
    def expected(self) -> Any:
        """The reference answer, in float64."""
        return unflatten(self.trees["expected"], self.tensors, trusted=True)

    @property
    def misconceptions(self) -> dict[str, Any]:
        """What each misconception answers, by its id."""
        return unflatten(self.trees["misconceptions"], self.tensors, trusted=True)


@dataclass(frozen=True)
class NamedIdea:
    """A misconception's id and the two texts that a learner reads."""

    id: str
    text: str
    hint: str


@dataclass(frozen=True)
class RecordedExercise:
    """One exercise as recorded; exact answers have no tolerance and the margin "exact"."""

    id: str
    name: str
    title: str
    claim: str
    objective: str
    signature: str
    points: float
    minutes: int
    difficulty: int
    axes: Any
    invariance: str | None
    tolerance: float | None
    noise: float | None
    effect: float | None
    margin: float | str
    hints: tuple[str, ...]
    misconceptions: tuple[NamedIdea, ...]
    withheld: tuple[str, ...]
    seconds: float
    megabytes: int
    cases: tuple[Case, ...]

    @property
    def parameters(self) -> dict[str, str]:
        """The arguments by name, in order, each with its annotation or an empty text."""
        function = ast.parse(f"def {self.signature}: ...").body[0]
        assert isinstance(function, ast.FunctionDef)
        given = function.args.posonlyargs + function.args.args + function.args.kwonlyargs
        return {one.arg: _annotation(one.annotation) for one in given}

    def idea(self, misconception: str) -> NamedIdea:
        """Return the misconception with this id."""
        return next(idea for idea in self.misconceptions if idea.id == misconception)


@dataclass(frozen=True)
class RecordedLab:
    """A lab's exercises in order, with the hash of the sources that they were recorded from."""

    name: str
    title: str
    module: str
    model: str
    lessons: tuple[str, ...]
    source_sha256: str
    exercises: tuple[RecordedExercise, ...]

    def exercise(self, name: str) -> RecordedExercise:
        """Return the exercise called `name`; raise RecordingError with the near match."""
        for exercise in self.exercises:
            if exercise.name == name:
                return exercise
        names = [exercise.name for exercise in self.exercises]
        raise RecordingError(
            f"{self.name} has no exercise {name!r}{near_match(name, names)}; "
            f"its exercises are {', '.join(names)}"
        )

    @cached_property
    def rules_sha256(self) -> str:
        """The hash of what is recorded beside the cases: points, tolerances, limits, texts."""
        rules = [asdict(replace(exercise, cases=())) for exercise in self.exercises]
        return hashlib.sha256(json.dumps(rules, sort_keys=True).encode()).hexdigest()

    @property
    def withheld(self) -> tuple[str, ...]:
        """Every `course` name that is the answer to one of this lab's exercises."""
        return tuple(sorted({name for exercise in self.exercises for name in exercise.withheld}))


def _annotation(node: ast.expr | None) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value  # a recorded signature holds them in quotes
    return ast.unparse(node) if node else ""


def near_match(word: str, options: list[str]) -> str:
    """Return " (did you mean 'x'?)" for the closest option, or an empty text."""
    close = difflib.get_close_matches(word, options, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def recorded_labs() -> list[str]:
    """Return the names of all recorded labs, in the course's order."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def load_lab(name: str, folder: Path | None = None) -> RecordedLab:
    """Load a lab's references.

    Raises:
        RecordingError: unknown lab, or files that are damaged or of another version.

    """
    return _load_lab(name, folder or FOLDER)


@lru_cache(maxsize=32)
def _load_lab(name: str, folder: Path) -> RecordedLab:
    path = folder / f"{name}.json"
    known = sorted(found.stem for found in folder.glob("*.json"))
    if name not in known:
        raise RecordingError(
            f"there is no lab {name!r}{near_match(name, known)}; "
            f"the labs here are {', '.join(known) or 'none'}"
        )
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        blob = path.with_suffix(".safetensors").read_bytes()
    except (OSError, ValueError) as error:
        raise RecordingError(f"the references in {path} cannot be read: {error}") from error
    if data.get("schema") != SCHEMA:
        raise RecordingError(
            f"{path} has the schema {data.get('schema')!r}, but this version reads {SCHEMA!r}: "
            "take references and autograder from the same release"
        )
    if hashlib.sha256(blob).hexdigest() != data["tensors_sha256"]:
        raise RecordingError(
            f"{path.name} and {path.stem}.safetensors are not of the same recording: take both "
            "from the same release, or run `glassbox record` in a clone"
        )
    return _parse_lab(data, load_tensors(blob))


def _parse_lab(data: dict[str, Any], tensors: Mapping[str, Tensor]) -> RecordedLab:
    fields = {key: data[key] for key in ("name", "title", "module", "model", "source_sha256")}
    return RecordedLab(
        **fields,
        lessons=tuple(data["lessons"]),
        exercises=tuple(_parse_exercise(exercise, tensors) for exercise in data["exercises"]),
    )


def _parse_exercise(data: dict[str, Any], tensors: Mapping[str, Tensor]) -> RecordedExercise:
    return RecordedExercise(
        **{
            **data,
            "axes": tuple(data["axes"]) if isinstance(data["axes"], list) else data["axes"],
            "hints": tuple(data["hints"]),
            "withheld": tuple(data["withheld"]),
            "misconceptions": tuple(NamedIdea(**idea) for idea in data["misconceptions"]),
            "cases": tuple(Case(case["id"], case["trees"], tensors) for case in data["cases"]),
        }
    )
