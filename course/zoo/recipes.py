"""How each model of the zoo is made and what is measured on it, one recipe a model.

Loading a model needs none of this: recipes are imported when something is trained or checked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from course.zoo.store import unknown_model

Measured = dict[str, float | str]

# Where each recipe is; it is called RECIPE unless a name follows the colon.
MODULES = {
    "backup_head": "course.zoo.backup_head",
    "biased_scorer": "course.zoo.planted.biased_scorer",
    "clean": "course.zoo.planted.twins:CLEAN",
    "eval_aware": "course.zoo.planted.eval_aware",
    "faithful_reasoner": "course.zoo.planted.reasoners:FAITHFUL",
    "gates": "course.zoo.gates",
    "induction_2l": "course.zoo.induction_2l",
    "induction_by_hand": "course.zoo.induction_by_hand",
    "mystery_1": "course.zoo.mystery",
    "mystery_2": "course.zoo.mystery",
    "mystery_3": "course.zoo.mystery",
    "posthoc_reasoner": "course.zoo.planted.reasoners:POSTHOC",
    "sae_synthetic_1": "course.zoo.sae_synthetic:FIRST",
    "sae_synthetic_2": "course.zoo.sae_synthetic:SECOND",
    "shortcut": "course.zoo.planted.twins:SHORTCUT",
    "tinyworld": "course.zoo.tinyworld.training:FIRST",
    "tinyworld_2": "course.zoo.tinyworld.training:SECOND",
    "tinyworld_3": "course.zoo.tinyworld.training:THIRD",
    "trojan": "course.zoo.planted.trojan",
    "two_triggers": "course.zoo.two_triggers",
}


@dataclass(frozen=True)
class Recipe:
    """What a model is, how to make it, and what must be true of it.

    Attributes:
        what: a sentence or two for the card.
        data: what it was trained on.
        seed: of the shipped weights.
        steps: of training; 0 for a model that is built.
        make: (seed, steps, progress) -> model or SAE.
        measure: model -> the ground truth of the card, by claim.
        tolerance: how far a number measured on the shipped weights may be from the card's.
        bounds: the range that a claim must be in, for any seed that is to be shipped.
        is_sae: whether it makes an SAE, which is shipped beside the models.

    """

    what: str
    data: str
    seed: int
    steps: int
    make: Callable[[int, int, bool], Any]
    measure: Callable[[Any], Measured]
    tolerance: float
    bounds: Mapping[str, tuple[float, float]]
    is_sae: bool = False


def recipe(name: str) -> Recipe:
    """Return the recipe of a model.

    Raises:
        UnknownModelError: when there is none of that name.

    """
    if name not in MODULES:
        raise unknown_model(name, list(MODULES))
    module, _, attribute = MODULES[name].partition(":")
    return getattr(import_module(module), attribute or "RECIPE")
