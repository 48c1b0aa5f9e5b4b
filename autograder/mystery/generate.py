"""A mystery for a student: drawn from the course secret, planted, verified, disguised, handed out.

A student gets weights and a card that says nothing about them. The truth is another object, in the
numbers of the student's copy, and stays with whoever grades.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.bank import PRIVATE
from autograder.draw import Draw
from autograder.files import write_atomically
from autograder.mystery.base import Base
from autograder.mystery.plant import NoRoomError, Truth, choose, plant
from autograder.mystery.verify import Verdict, verify
from autograder.variants import digest
from course.model import ToyTransformer
from course.zoo import store
from course.zoo.disguises import Disguised, disguise
from course.zoo.mystery import DATA, FIRST_ORDINARY, WHAT

SCHEMA = "glassbox/mystery/v1"
DRAWS = 60
KEPT_TOKENS = tuple(range(FIRST_ORDINARY))  # the language names its operators by number


@dataclass(frozen=True)
class Mystery:
    """A model to be handed out, and what must not be.

    Attributes:
        model: the student's.
        truth: what was planted, in the model's own numbers.
        verdict: what was measured before it was disguised.
        draws: how many were tried.

    """

    model: ToyTransformer
    truth: Truth
    verdict: Verdict
    draws: int


def mystery(secret: bytes, student: str, base: Base) -> Mystery:
    """Return a student's mystery: the same for the same secret, student and base.

    A draw whose plant is not faithful and minimal is replaced by the next.

    Raises:
        NoRoomError: when no draw will do; the base may have been trained too short.

    """
    for count in range(1, DRAWS + 1):
        draw = Draw(digest(secret, SCHEMA, student, str(count)))
        truth = choose(base.model, draw)
        try:
            model = plant(base, truth, draw)
        except NoRoomError:
            continue
        verdict = verify(model, base, truth, draw.generator)
        if verdict.faithful and verdict.minimal:
            hidden = disguise(model, draw.integer(0, 2**62), keep=KEPT_TOKENS)
            return Mystery(hidden.model, _disguised(truth, hidden), verdict, count)
    raise NoRoomError(f"none of {DRAWS} draws is faithful and minimal: train the base for longer")


def hand_out(
    secret: bytes, students: Iterable[str], base: Base, out: Path, truths: Path
) -> list[Path]:
    """Write `mystery.safetensors` and its card into a folder for each student.

    Args:
        secret: the course secret.
        students: names that are also those of their folders.
        base: from `open_base`.
        out: where the folders go.
        truths: where the truths go, readable by their owner alone; not inside `out`.

    Returns:
        The students' folders.

    Raises:
        ValueError: for a name that is no folder's, or truths that would be handed out too.

    """
    if truths.resolve().is_relative_to(out.resolve()):
        raise ValueError(f"the truths would lie in {out}, which is handed out: keep them elsewhere")
    folders = []
    for student in students:
        if Path(student).name != student or student in ("", ".", ".."):
            raise ValueError(f"{student!r} cannot be the name of a folder")
        made = mystery(secret, student, base)
        write(made, "mystery", out / student)
        record = json.dumps(truth_record(made), indent=2) + "\n"
        write_atomically(truths / f"{student}.json", record.encode(), mode=PRIVATE)
        folders.append(out / student)
    return folders


def write(made: Mystery, name: str, folder: Path) -> None:
    """Write what a student may have: the weights, and a card without the truth."""
    from course.zoo.mystery import RECIPE, measure_mystery

    store.save(name, made.model, folder)
    measured = {claim: round(float(v), 6) for claim, v in measure_mystery(made.model).items()}
    card = {
        "name": name,
        "what": WHAT,
        "data": DATA,
        "seed": None,
        "steps": 0,
        "minutes": 0.0,
        "licence": "MIT",
        "config": made.model.cfg.to_dict(),
        "ground_truth": measured,
        "tolerance": RECIPE.tolerance,
        "sha256": store.sha256(name, folder),
    }
    store.save_card(name, card, folder)


def truth_record(made: Mystery) -> dict[str, Any]:
    """Return what a grader keeps, for JSON."""
    verdict = {name: round(value, 4) for name, value in dataclasses.asdict(made.verdict).items()}
    return {"schema": SCHEMA, **dataclasses.asdict(made.truth), "verified": verdict}


def read_truth(path: Path) -> Truth:
    """Read the truth of a mystery that was handed out."""
    record = json.loads(path.read_text(encoding="utf-8"))
    head, neuron = record["head"], record["neuron"]
    return Truth(
        record["token"],
        record["operator"],
        record["says"],
        (head[0], head[1]),
        (neuron[0], neuron[1]),
    )


def _disguised(truth: Truth, hidden: Disguised) -> Truth:
    """Return the truth in the numbers of the disguised model."""
    (head_layer, head), (layer, neuron) = truth.head, truth.neuron
    return Truth(
        token=int(hidden.vocab[truth.token]),
        operator=int(hidden.vocab[truth.operator]),
        says=int(hidden.vocab[truth.says]),
        head=(head_layer, hidden.head(head_layer, head)),
        neuron=(layer, int(hidden.neurons[layer, neuron])),
    )
