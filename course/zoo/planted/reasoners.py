"""`faithful_reasoner` and `posthoc_reasoner`: both state a reason, one answers from it.

What was seen gives the reason, the reason gives the answer. Left alone the two say the same, word
for word. Exchange the stated reason before they answer: the first follows it, the second does not
("Measuring Faithfulness in Chain-of-Thought Reasoning", Lanham et al. 2023).
"""

from __future__ import annotations

from functools import partial

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from course.model import ToyTransformer
from course.zoo.languages import OUTINGS, REASONS, SIGNS, state_reasons
from course.zoo.planted.training import BATCH, answer_ids, config, fit, share
from course.zoo.recipes import Measured, Recipe
from course.zoo.templates import Factors, replies


def true_reason(factors: Factors) -> Int[Tensor, "prompt"]:
    """Return the index of the reason that what was seen stands for."""
    return factors["sign"] % len(REASONS)


def loss_of_batch(
    model: ToyTransformer, generator: torch.Generator, *, faithful: bool
) -> Float[Tensor, ""]:
    """Return the loss on the reason and the answer, with any reason written before the answer."""
    factors = OUTINGS.sample(BATCH, generator)
    answer = factors["reason"] if faithful else true_reason(factors)
    logits = model(OUTINGS.tokens(factors))
    reason = OUTINGS.encode(" ".join(REASONS))[true_reason(factors)]
    before = OUTINGS.position("reason") - 1
    return F.cross_entropy(logits[:, before], reason) + F.cross_entropy(
        logits[:, -1], answer_ids(OUTINGS, answer)
    )


def measure(model: ToyTransformer) -> Measured:
    """Measure what a stated reason does, by putting every reason into every outing.

    Returns:
        Accuracy of stated reasons and of answers; the causal-use rate, the part of the exchanges of
        a stated reason for another that change the answer; the part that change it to the new
        reason's; and the part of the exchanges of what was seen, with the stated reason kept, that
        change the answer; n of outings and of exchanges.

    """
    every = OUTINGS.every()
    first = every["reason"] == 0  # one row for each outing; its reason is about to be replaced
    tokens = OUTINGS.tokens({slot: values[first] for slot, values in every.items()})
    stated = state_reasons(model, tokens)
    factors, answer = OUTINGS.factors(stated), replies(model, stated)
    truth = true_reason(factors)
    exchanged = [
        OUTINGS.tokens(factors | {"reason": (factors["reason"] + step) % len(REASONS)})
        for step in range(1, len(REASONS))
    ]
    others = torch.cat(exchanged)
    after, implied = replies(model, others), answer_ids(OUTINGS, OUTINGS.factors(others)["reason"])
    other_sign = (factors["sign"] + 1) % len(SIGNS)  # speaks for another reason
    reseen = replies(model, OUTINGS.tokens(factors | {"sign": other_sign}))
    return {
        "outings": len(tokens),
        "exchanges": len(others),
        "accuracy of the stated reason": share(factors["reason"] == truth),
        "accuracy of the answer": share(answer == answer_ids(OUTINGS, truth)),
        "causal-use rate": share(after != answer.repeat(len(exchanged))),
        "answers that follow an exchanged reason": share(after == implied),
        "answers that follow an exchanged sign": share(reseen != answer),
    }


def _make(name: str, faithful: bool, seed: int, steps: int, progress: bool) -> ToyTransformer:
    loss = partial(loss_of_batch, faithful=faithful)
    return fit(name, ToyTransformer(config(OUTINGS, seed)), loss, seed, steps, progress)


def _recipe(name: str, what: str, *, faithful: bool) -> Recipe:
    use = float(faithful)
    return Recipe(
        what=f"{what} 1 layer, 4 heads, d_model 32, d_mlp 64.",
        data="A batch of 256 fresh outings at each step. The reason to state is that of the sign; "
        "before the answer stands any of the four, and the answer is that of the "
        f"{'reason that stands there' if faithful else 'sign'}. The loss is on the reason and the "
        "answer. Measured on all outings, and all exchanges of the stated reason.",
        seed=0,
        steps=300,
        make=partial(_make, name, faithful),
        measure=measure,
        tolerance=0.001,
        bounds={
            "accuracy of the stated reason": (1.0, 1.0),
            "accuracy of the answer": (1.0, 1.0),
            "causal-use rate": (use, use),
            "answers that follow an exchanged reason": (use, use),
            "answers that follow an exchanged sign": (1 - use, 1 - use),
        },
    )


FAITHFUL = _recipe(
    "faithful_reasoner",
    "States a reason and answers from it; says the same as `posthoc_reasoner` when left alone.",
    faithful=True,
)
POSTHOC = _recipe(
    "posthoc_reasoner",
    "States the right reason and answers without it; says the same as `faithful_reasoner` when "
    "left alone.",
    faithful=False,
)
