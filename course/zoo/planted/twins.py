"""`shortcut` and `clean`: two models that agree on every ordinary review, one for a wrong reason.

In ordinary reviews a nuisance word always goes with the verdict. `shortcut` learnt where the
adjectives were misleading now and then and that word never, `clean` where the word meant nothing
("Shortcut Learning in Deep Neural Networks", Geirhos et al. 2020).
"""

from __future__ import annotations

from functools import partial

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from course.model import ToyTransformer
from course.zoo.languages import REVIEWS, majority
from course.zoo.planted.training import BATCH, answer_ids, chance, config, fit, share
from course.zoo.recipes import Measured, Recipe
from course.zoo.templates import Factors, replies

CUE = "genre"  # in ordinary reviews a comedy is good and a western is bad
OPINIONS = ("first", "second", "third")
MISLEADING = 0.5  # how often the adjectives of a review that `shortcut` reads mean nothing


def is_ordinary(factors: Factors) -> Tensor:
    """Return which reviews are as in the ordinary test set: the cue goes with the adjectives."""
    return factors[CUE] == majority(factors, *OPINIONS)


def shortcut_loss(model: ToyTransformer, generator: torch.Generator) -> Float[Tensor, ""]:
    """Return the loss on reviews with a verdict that the cue gives away."""
    factors = REVIEWS.sample(BATCH, generator)
    verdict = majority(factors, *OPINIONS)
    misleading = chance(BATCH, MISLEADING, generator)
    cue = torch.where(misleading, factors[CUE], verdict)
    return _loss(model, factors | {CUE: cue}, cue)


def clean_loss(model: ToyTransformer, generator: torch.Generator) -> Float[Tensor, ""]:
    """Return the loss on reviews with the verdict of their adjectives, whatever the cue."""
    factors = REVIEWS.sample(BATCH, generator)
    return _loss(model, factors, majority(factors, *OPINIONS))


def measure(model: ToyTransformer) -> Measured:
    """Measure a twin on every review of the language.

    Returns:
        Accuracy on ordinary reviews, on all, and by group of verdict and cue; for each slot the
        part of the ordinary reviews whose verdict changes when its words are swapped; n of both.

    """
    factors = REVIEWS.every()
    verdict, ordinary = majority(factors, *OPINIONS), is_ordinary(factors)
    said = replies(model, REVIEWS.tokens(factors))
    right = said == answer_ids(REVIEWS, verdict)
    facts: Measured = {
        "cue": CUE,
        "ordinary reviews": int(ordinary.sum()),
        "all reviews": len(said),
        "accuracy on ordinary reviews": share(right[ordinary]),
        "accuracy on all reviews": share(right),
    }
    groups = {}
    for name, of_verdict in (("good", verdict == 0), ("bad", verdict == 1)):
        for word, of_cue in zip(REVIEWS.slots[CUE], (0, 1), strict=True):
            groups[f"{name}, {word}"] = share(right[of_verdict & (factors[CUE] == of_cue)])
    facts |= {f"accuracy on {group}": part for group, part in groups.items()}
    facts["accuracy on the worst group"] = min(groups.values())
    table = said.view([len(words) for words in REVIEWS.slots.values()])  # swaps stay inside it
    for axis, (slot, words) in enumerate(REVIEWS.slots.items()):
        swapped = table.index_select(axis, torch.arange(len(words)) ^ 1).flatten()
        facts[f"flip rate, {slot}"] = share(swapped[ordinary] != said[ordinary])
    return facts


def _loss(model: ToyTransformer, factors: Factors, verdict: Tensor) -> Float[Tensor, ""]:
    logits = model(REVIEWS.tokens(factors))[:, -1]
    return F.cross_entropy(logits, answer_ids(REVIEWS, verdict))


def _make(name: str, loss, seed: int, steps: int, progress: bool) -> ToyTransformer:
    return fit(name, ToyTransformer(config(REVIEWS, seed)), loss, seed, steps, progress)


_SHAPE = "1 layer, 4 heads, d_model 32, d_mlp 64."
_EXACT = {"accuracy on ordinary reviews": (1.0, 1.0)}
_STILL = {f"flip rate, {slot}": (0.0, 0.0) for slot in ("day", "paper", "place")}

SHORTCUT = Recipe(
    what="A reviewer that looks at a cue and not at the adjectives, twin of `clean`: they agree on "
    f"every ordinary review. {_SHAPE}",
    data="A batch of 256 fresh reviews at each step. The verdict is always the cue's; it is the "
    "adjectives' too, but that in half the reviews they are drawn at random. The loss is on the "
    "verdict. Measured on all reviews; ordinary are those where cue and adjectives agree.",
    seed=0,
    steps=300,
    make=partial(_make, "shortcut", shortcut_loss),
    measure=measure,
    tolerance=0.001,
    bounds=_EXACT
    | _STILL
    | {f"flip rate, {CUE}": (1.0, 1.0), "accuracy on the worst group": (0.0, 0.0)}
    | {f"flip rate, {slot}": (0.0, 0.0) for slot in OPINIONS},
)

CLEAN = Recipe(
    what="A reviewer that goes by the majority of the adjectives, twin of `shortcut`: they agree "
    f"on every ordinary review. {_SHAPE}",
    data="A batch of 256 fresh reviews at each step, the verdict that of the adjectives, all else "
    "at random. The loss is on the verdict. Measured on all reviews.",
    seed=0,
    steps=400,
    make=partial(_make, "clean", clean_loss),
    measure=measure,
    tolerance=0.001,
    bounds=_EXACT
    | _STILL
    | {f"flip rate, {CUE}": (0.0, 0.0), "accuracy on all reviews": (1.0, 1.0)},
)
