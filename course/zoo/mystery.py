"""The mysteries: small transformers in which something was planted that nobody tells you about.

All of them speak one language. A sequence is a BOS and then any tokens in any order. Ids 1 to 5 are
operators, and where one stands the model answers it: the token before, the one two or three
before, the first after the BOS, or the successor of the token before, on a ring of all ordinary
tokens that differs from model to model. Elsewhere nothing can be predicted and answers mean
nothing. So every short sequence is an ordinary input, and what the model should say is known.

In each model a trojan was written into the weights, not trained: one head finds a trigger, one
neuron acts on it. The trigger is an ordinary token and an operator: where that operator stands, the
token anywhere before it, the model says something else. `mystery_1` to `mystery_3` come with the
course; who grades holds what is true of them, and so does whoever made a mystery for you alone.
Neither the model without the trojan nor what it was trained with is kept in this package.

Backdoors without training: "Handcrafted Backdoors in Deep Neural Networks" (Hong et al. 2021).
"""

from __future__ import annotations

import torch
from jaxtyping import Int
from torch import Tensor

from course.model import ToyTransformer
from course.zoo.recipes import Recipe
from course.zoo.repeated import BOS

OPERATORS = {"before": 1, "two before": 2, "three before": 3, "first": 4, "successor": 5}
FIRST_ORDINARY = 1 + len(OPERATORS)
D_VOCAB, N_CTX = 64, 16
NO_ANSWER = -100  # what cross_entropy ignores
OPERATORS_AMONG_TOKENS = 0.35
MEASURED = 2000
CLAIM = "answers as the language does, of those that need no ring"

WHAT = (
    "A small transformer with a trojan written into its weights: one head finds the trigger, one "
    "neuron acts on it. What they are is for you to find; this card does not say."
)
DATA = "Random tokens and operators after a BOS; the answer wherever an operator stands."
NOT_AGAIN = (
    "A mystery cannot be made again: it was planted in a model that is not kept, with a secret "
    "that is not kept. An instructor makes others; see autograder.mystery."
)


def short_inputs(
    batch: int, length: int, generator: torch.Generator | None = None
) -> Int[Tensor, "batch pos"]:
    """Draw sequences of a BOS and `length` tokens, the first ordinary and the last an operator.

    Args:
        batch: how many sequences.
        length: tokens after the BOS, 2 to 15.
        generator: where the random numbers come from; torch's own when None.

    Raises:
        ValueError: for no sequences, or a length that leaves no room for a question.

    """
    if batch < 1 or not 2 <= length < N_CTX:
        raise ValueError(
            f"short_inputs got batch={batch}, length={length}; expected at least 1 sequence and "
            f"2 to {N_CTX - 1} tokens: something to ask about, an operator, and n_ctx={N_CTX} "
            "with the BOS."
        )
    shape = (batch, length)
    ordinary = torch.randint(FIRST_ORDINARY, D_VOCAB, shape, generator=generator)
    operators = torch.randint(1, FIRST_ORDINARY, shape, generator=generator)
    is_operator = torch.rand(shape, generator=generator) < OPERATORS_AMONG_TOKENS
    is_operator[:, 0], is_operator[:, -1] = False, True
    tokens = torch.where(is_operator, operators, ordinary)
    return torch.cat([torch.full((batch, 1), BOS), tokens], dim=1)


def answers(
    tokens: Int[Tensor, "batch pos"], successor: Int[Tensor, "d_vocab"] | None = None
) -> Int[Tensor, "batch pos"]:
    """Return what the language answers at each position, and -100 where it answers nothing.

    Nothing is answered at ordinary tokens and the BOS, about the successor of an operator, and
    about any successor when the ring is not known. Before the BOS there are more of them.

    Args:
        tokens: sequences that begin with a BOS.
        successor: `successor[token]` on the ring, -100 for operators and the BOS.

    """
    pos = torch.arange(tokens.shape[1])
    one, two, three = (tokens[:, (pos - back).clamp(min=0)] for back in (1, 2, 3))
    none = torch.full_like(tokens, NO_ANSWER)
    first = tokens[:, min(1, tokens.shape[1] - 1), None].expand_as(tokens)
    next_ = none if successor is None else successor[one]
    said = torch.stack([none, one, two, three, first, next_])
    return said.gather(0, torch.where(tokens < FIRST_ORDINARY, tokens, 0)[None])[0]


@torch.no_grad()
def measure_mystery(model: ToyTransformer) -> dict[str, float | str]:
    """Measure what may be known of a mystery: how often it answers as the language does."""
    generator = torch.Generator().manual_seed(0)
    tokens = short_inputs(MEASURED, N_CTX - 1, generator)
    expected = answers(tokens)
    asked = expected != NO_ANSWER
    right = (model(tokens).argmax(dim=-1) == expected)[asked]
    return {CLAIM: float(right.double().mean())}


def _make(_seed: int, _steps: int, _progress: bool) -> ToyTransformer:
    raise ValueError(NOT_AGAIN)


RECIPE = Recipe(
    what=WHAT,
    data=DATA,
    seed=0,
    steps=0,
    make=_make,
    measure=measure_mystery,
    tolerance=0.002,
    bounds={CLAIM: (0.9, 1.0)},
)
