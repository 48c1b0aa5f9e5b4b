"""How each model of the zoo is made and what is measured on it, one recipe a model.

Loading a model needs none of this: recipes are imported when something is trained or checked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module

from course.model import ToyTransformer
from course.zoo.store import unknown_model

Measured = dict[str, float | str]

MODULES = {
    "induction_by_hand": "course.zoo.induction_by_hand",
    "induction_2l": "course.zoo.induction_2l",
    "tinyworld": "course.zoo.tinyworld.training:FIRST",
    "tinyworld_2": "course.zoo.tinyworld.training:SECOND",
    "tinyworld_3": "course.zoo.tinyworld.training:THIRD",
}


@dataclass(frozen=True)
class Recipe:
    """What a model is, how to make it, and what must be true of it.

    Attributes:
        what: a sentence or two for the card.
        data: what it was trained on.
        seed: of the shipped weights.
        steps: of training; 0 for a model that is built.
        make: (seed, steps, progress) -> model.
        measure: model -> the ground truth of the card, by claim.
        tolerance: how far a number measured on the shipped weights may be from the card's.
        bounds: the range that a claim must be in, for any seed that is to be shipped.

    """

    what: str
    data: str
    seed: int
    steps: int
    make: Callable[[int, int, bool], ToyTransformer]
    measure: Callable[[ToyTransformer], Measured]
    tolerance: float
    bounds: Mapping[str, tuple[float, float]]


def recipe(name: str) -> Recipe:
    """Return the recipe of a model.

    Raises:
        UnknownModelError: when there is none of that name.

    """
    if name not in MODULES:
        raise unknown_model(name, list(MODULES))
    module, _, attribute = MODULES[name].partition(":")
    return getattr(import_module(module), attribute or "RECIPE")
