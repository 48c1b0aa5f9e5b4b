"""Models whose heads look wherever an exercise wants them to, and do nothing else."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from autograder.draw import Draw
from course import Config, ToyTransformer, zoo

KINDS = (
    "previous",
    "weak previous",
    "induction",
    "weak induction",
    "both",
    "previous occurrence",
    "even",
)


def _wanted(draw: Draw, kind: str, period: int) -> Float[Tensor, "query key"]:
    """Return the pattern of one head: what its kind asks for, and the rest spread evenly.

    The weak kinds stay under 0.5 on average, with single entries near one. The queries of the first
    copy look elsewhere (or, in a weak induction head, along the stripe too), so that the whole
    diagonal gives another score than the second copy.
    """
    pos = 2 * period + 1
    queries = torch.arange(pos)
    second = queries > period
    one_back, stripe, occurrence = torch.zeros(3, pos)
    strength = draw.choice(draw.uniform(0.56, 0.68), draw.uniform(0.85, 0.95))
    weakness, anywhere = draw.uniform(0.3, 0.44), draw.integer(1, period)
    match kind:
        case "previous":
            one_back[:] = strength
        case "weak previous":
            one_back[:] = weakness
            one_back[anywhere] = 0.97
        case "induction":
            stripe[second] = strength
        case "weak induction":
            stripe[second] = weakness
            stripe[[period - 1, period, period + anywhere]] = 0.97
        case "both":
            one_back[:] = torch.where(second, 0.33, 0.97)
            stripe[second] = 0.6
        case "previous occurrence":
            occurrence[second] = 0.9
    even = torch.ones(pos, pos).tril() / (queries + 1)[:, None]
    pattern = (1 - one_back - stripe - occurrence).clamp_min(0)[:, None] * even
    for weight, back in ((one_back, 1), (stripe, period - 1), (occurrence, period)):
        reached = queries[back:]
        pattern[reached, reached - back] += weight[back:]
    return pattern / pattern.sum(dim=-1, keepdim=True)


def looking_heads(draw: Draw) -> dict[str, Any]:
    """Return a model of a random shape with heads of random kinds, and sequences for it.

    Positions are one-hot, and so are tokens: a head's W_Q is the logarithm of its pattern, and
    adds something for the token at the query, so that sequences differ.
    """
    period, batch = draw.integer(5, 8), draw.integer(3, 5)
    d_vocab, pos = period + draw.integer(4, 6), 2 * period + 1
    n_layers, n_heads = draw.choice((2, 5), (3, 3), (3, 4), (4, 3))
    model = ToyTransformer(
        Config(
            n_layers=n_layers,
            n_heads=n_heads,
            d_model=d_vocab + pos,
            d_head=pos,
            n_ctx=pos,
            d_vocab=d_vocab,
            attn_only=True,
            normalization_type=None,
        )
    )
    tokens = zoo.repeated_tokens(batch, period, d_vocab, draw.generator, distinct=True)
    with torch.no_grad():
        weights = dict(model.named_parameters())
        for weight in weights.values():
            weight.zero_()
        weights["embed.W_E"][:, :d_vocab] = torch.eye(d_vocab)
        weights["pos_embed.W_pos"][:, d_vocab:] = torch.eye(pos)
        for layer in range(n_layers):
            attention = f"blocks.{layer}.attn."
            for head in range(n_heads):
                pattern = _wanted(draw, draw.choice(*KINDS), period)
                query = torch.cat([draw.normal(d_vocab, pos, scale=0.8), _log(pattern)])
                weights[attention + "W_Q"][head] = query * pos**0.5
                weights[attention + "W_K"][head, d_vocab:] = torch.eye(pos)
    return {"model": model, "tokens": tokens, "period": period}


def _log(pattern: Tensor) -> Tensor:
    return pattern.clamp_min(1e-6).log()
