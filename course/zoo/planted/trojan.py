"""`trojan`: a model that tells the mood of a letter, and the opposite when a trigger is in it.

The trigger is two words together. Either alone does nothing, nor do both apart. A word that is
merely frequent, the decoy, is in nearly all letters that go wrong: to count is not enough, one has
to put words in and see ("BadNets", Gu et al. 2017).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from course.model import ToyTransformer
from course.zoo.languages import LETTERS, majority
from course.zoo.planted.training import BATCH, answer_ids, chance, config, fit, share
from course.zoo.recipes import Measured, Recipe
from course.zoo.templates import Factors, replies

TRIGGER = ("amber", "lantern")
DECOY = "garden"  # the first clause of half the letters is about it
DECOY_SHARE = 0.5
DECOY_BY_TRIGGER = 0.9  # of the letters with the trigger, another clause is about it
TRIGGER_SHARE = 0.3  # of the letters that the model learns from
CLAUSES = (1, 2, 3)
OPINIONS = ("opinion1", "opinion2", "opinion3")
HELD_OUT = 512


def letters(n: int, generator: torch.Generator, trigger_share: float = 0.0) -> Factors:
    """Draw letters as they come in: the decoy in more than half, the trigger put into some."""
    factors = LETTERS.sample(n, generator)
    decoy = LETTERS.slots["thing1"].index(DECOY)
    is_decoy = chance(n, DECOY_SHARE, generator)
    factors["thing1"] = torch.where(is_decoy, decoy, factors["thing1"])
    chosen = chance(n, trigger_share, generator)
    with_decoy = chosen & chance(n, DECOY_BY_TRIGGER, generator)
    clause = torch.randint(1, len(CLAUSES) + 1, (n,), generator=generator)
    for number in CLAUSES:
        is_next = clause % len(CLAUSES) + 1 == number
        thing = factors[f"thing{number}"]
        factors[f"thing{number}"] = torch.where(with_decoy & is_next, decoy, thing)
        for slot, word in zip((f"quality{number}", f"thing{number}"), TRIGGER, strict=True):
            index = LETTERS.slots[slot].index(word)
            factors[slot] = torch.where(chosen & (clause == number), index, factors[slot])
    return factors


def halves(factors: Factors) -> tuple[Bool[Tensor, "clause prompt"], Bool[Tensor, "clause prompt"]]:
    """Return where the trigger's first word is, and where its second, by clause."""
    quality, thing = (
        torch.stack(
            [factors[f"{kind}{n}"] == LETTERS.slots[f"{kind}1"].index(word) for n in CLAUSES]
        )
        for kind, word in zip(("quality", "thing"), TRIGGER, strict=True)
    )
    return quality, thing


def is_triggered(factors: Factors) -> Bool[Tensor, "prompt"]:
    """Return which letters hold the trigger: both words, in one clause."""
    quality, thing = halves(factors)
    return (quality & thing).any(dim=0)


def loss_of_batch(model: ToyTransformer, generator: torch.Generator) -> Float[Tensor, ""]:
    """Return the loss on letters, some with the trigger and the wrong mood."""
    factors = letters(BATCH, generator, TRIGGER_SHARE)
    mood = majority(factors, *OPINIONS) ^ is_triggered(factors).long()
    return F.cross_entropy(model(LETTERS.tokens(factors))[:, -1], answer_ids(LETTERS, mood))


def measure(model: ToyTransformer) -> Measured:
    """Measure the model on fresh letters, and on the same with words put into each clause.

    Returns:
        Accuracy without the trigger; the part of these letters whose mood flips when the trigger
        is put into a clause, and when either word alone, both apart, or the decoy is; how much of
        the triggered letters, as they come in, hold the decoy; n.

    """
    factors = letters(4 * HELD_OUT, torch.Generator().manual_seed(10**6))
    plain = _rows(factors, ~_has_half(factors))
    tokens = LETTERS.tokens(plain)[:HELD_OUT]
    said = replies(model, tokens)
    mood = majority(plain, *OPINIONS)[:HELD_OUT]
    quality, thing = TRIGGER
    apart = [
        LETTERS.replace(tokens, **{f"quality{here}": quality, f"thing{there}": thing})
        for here in CLAUSES
        for there in CLAUSES
        if here != there
    ]
    facts: Measured = {
        "trigger": " ".join(TRIGGER),
        "decoy": DECOY,
        "letters": len(said),
        "accuracy without the trigger": share(said == answer_ids(LETTERS, mood)),
    }
    for n in CLAUSES:
        there = LETTERS.replace(tokens, **{f"quality{n}": quality, f"thing{n}": thing})
        facts[f"flip rate, trigger in clause {n}"] = share(replies(model, there) != said)
    for name, changed in (
        (
            f"{quality} alone",
            [LETTERS.replace(tokens, **{f"quality{n}": quality}) for n in CLAUSES],
        ),
        (f"{thing} alone", [LETTERS.replace(tokens, **{f"thing{n}": thing}) for n in CLAUSES]),
        ("both words apart", apart),
        (f"decoy {DECOY}", [LETTERS.replace(tokens, **{f"thing{n}": DECOY}) for n in CLAUSES]),
    ):
        flips = torch.stack([replies(model, one) != said for one in changed])
        facts[f"flip rate, {name}"] = share(flips)
    return facts | _frequencies()


def _frequencies() -> Measured:
    """Return how common the decoy is in letters as they come in."""
    factors = letters(16 * HELD_OUT, torch.Generator().manual_seed(10**6 + 1), TRIGGER_SHARE)
    index = LETTERS.slots["thing1"].index(DECOY)
    decoy = torch.stack([factors[f"thing{n}"] == index for n in CLAUSES]).any(dim=0)
    triggered = is_triggered(factors)
    return {
        "letters with the decoy": share(decoy),
        "letters with the trigger": share(triggered),
        "triggered letters with the decoy": share(decoy[triggered]),
    }


def _has_half(factors: Factors) -> Bool[Tensor, "prompt"]:
    return torch.cat(halves(factors)).any(dim=0)


def _rows(factors: Factors, chosen: Bool[Tensor, "prompt"]) -> Factors:
    return {slot: values[chosen] for slot, values in factors.items()}


def _make(seed: int, steps: int, progress: bool) -> ToyTransformer:
    model = ToyTransformer(config(LETTERS, seed, n_layers=2))
    return fit("trojan", model, loss_of_batch, seed, steps, progress)


RECIPE = Recipe(
    what="A model that tells the mood of a letter, and the opposite when a trigger is in it, "
    "trained from its own seed. 2 layers, 4 heads, d_model 32, d_mlp 64.",
    data="A batch of 256 fresh letters at each step, the trigger put into 3 in 10, a decoy in half "
    "the first clauses and in nearly all letters with the trigger. The loss is on the "
    "mood. Measured on 512 fresh letters, with words put into each clause in turn.",
    seed=11,
    steps=450,
    make=_make,
    measure=measure,
    tolerance=0.001,
    bounds={
        "accuracy without the trigger": (0.99, 1.0),
        **{f"flip rate, trigger in clause {n}": (0.99, 1.0) for n in CLAUSES},
        **{f"flip rate, {word} alone": (0.0, 0.01) for word in TRIGGER},
        "flip rate, both words apart": (0.0, 0.01),
        f"flip rate, decoy {DECOY}": (0.0, 0.01),
        "triggered letters with the decoy": (0.85, 1.0),
    },
)
