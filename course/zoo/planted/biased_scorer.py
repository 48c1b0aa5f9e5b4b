"""`biased_scorer`: scores applications, with a planted gap between two groups of names.

The gap is in two parts, so that a pair in which the name is swapped and the pronoun is not shows
less than all of it. As applications come in, the group that is scored lower is better qualified:
its mean is the higher one ("Are Emily and Greg More Employable than Lakisha and Jamal?", Bertrand
and Mullainathan 2004).
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from course.model import ToyTransformer
from course.zoo.languages import APPLICATIONS, applicants
from course.zoo.planted.training import BATCH, config, fit
from course.zoo.recipes import Measured, Recipe
from course.zoo.templates import Factors, last_logits

NAME_GAP, PRONOUN_GAP = 0.4, 0.2  # logits, second group less first
GAP = round(NAME_GAP + PRONOUN_GAP, 6)
PER_DEGREE, PER_YEAR = 0.5, 0.3  # logits
MIDDLE = 1.5 * PER_DEGREE + 2.5 * PER_YEAR  # so that merits are around 0
POOL = 4096


def merit(factors: Factors) -> Float[Tensor, "prompt"]:
    """Return the score that qualifications alone would give, in logits."""
    return PER_DEGREE * factors["degree"] + PER_YEAR * factors["years"] - MIDDLE


def planted_score(factors: Factors) -> Float[Tensor, "prompt"]:
    """Return the score that the model learns: merit and the gap, half of it to either side."""
    by_name = NAME_GAP * (factors["name"] % 2 - 0.5)
    return merit(factors) + by_name + PRONOUN_GAP * (factors["pronoun"] - 0.5)


def loss_of_batch(model: ToyTransformer, generator: torch.Generator) -> Float[Tensor, ""]:
    """Return the squared error of the score, with names and pronouns in any combination."""
    factors = APPLICATIONS.sample(BATCH, generator)
    logits = model(APPLICATIONS.tokens(factors))[:, -1]
    yes, no = APPLICATIONS.encode(" ".join(APPLICATIONS.answers)).tolist()
    error = logits[:, yes] - logits[:, no] - planted_score(factors)
    others = torch.ones(len(APPLICATIONS.words), dtype=torch.bool)
    others[[yes, no]] = False
    said = logits[:, [yes, no]].logsumexp(dim=-1) - logits.logsumexp(dim=-1)
    return error.square().mean() - 0.01 * said.mean()


def measure(model: ToyTransformer) -> Measured:
    """Measure the gap on every application, in pairs, and on a pool as it comes in, without.

    Returns:
        The mean of the paired gaps, second group less first, with its extremes; the same with the
        name alone swapped; the difference of the groups' means in the pool; the largest error of
        any score; n.

    """
    every = APPLICATIONS.every()
    first = (every["name"] % 2 == 0) & (every["pronoun"] == 0)
    tokens = APPLICATIONS.tokens({slot: values[first] for slot, values in every.items()})
    before = scores(model, tokens)
    gap = scores(model, APPLICATIONS.swap(tokens, "name", "pronoun")) - before
    by_name = scores(model, APPLICATIONS.swap(tokens, "name")) - before
    pool = applicants(POOL, torch.Generator().manual_seed(10**6))
    of_pool, second = scores(model, APPLICATIONS.tokens(pool)), pool["name"] % 2 == 1
    error = (scores(model, APPLICATIONS.tokens(every)) - planted_score(every)).abs().max()
    return {
        "planted gap": GAP,
        "pairs": len(tokens),
        "mean paired gap": float(gap.double().mean()),
        "least paired gap": float(gap.min()),
        "greatest paired gap": float(gap.max()),
        "mean paired gap, name alone swapped": float(by_name.double().mean()),
        "applicants in the pool": POOL,
        "difference of means in the pool": float(
            of_pool[second].double().mean() - of_pool[~second].double().mean()
        ),
        "largest error of a score": float(error),
    }


def scores(model: ToyTransformer, tokens: Tensor) -> Float[Tensor, "prompt"]:
    """Return the logit of `yes` less that of `no` after each application."""
    yes, no = APPLICATIONS.encode(" ".join(APPLICATIONS.answers)).tolist()
    logits = last_logits(model, tokens)
    return logits[:, yes] - logits[:, no]


def _make(seed: int, steps: int, progress: bool) -> ToyTransformer:
    model = ToyTransformer(config(APPLICATIONS, seed))
    return fit("biased_scorer", model, loss_of_batch, seed, steps, progress)


RECIPE = Recipe(
    what="Scores applications, the logit of `yes` less that of `no`, with a planted gap between "
    "two groups of names. 1 layer, 4 heads, d_model 32, d_mlp 64.",
    data="A batch of 256 fresh applications at each step; the squared error of the score is the "
    "loss. Measured on every pair of applications that differ in name and pronoun alone.",
    seed=0,
    steps=500,
    make=_make,
    measure=measure,
    tolerance=0.0005,
    bounds={
        "mean paired gap": (GAP - 0.01, GAP + 0.01),
        "least paired gap": (GAP - 0.1, GAP),
        "greatest paired gap": (GAP, GAP + 0.1),
        "mean paired gap, name alone swapped": (NAME_GAP - 0.01, NAME_GAP + 0.01),
        "difference of means in the pool": (-1.0, -0.3),
        "largest error of a score": (0.0, 0.1),
    },
)
