"""Cases on the trained model: in a disguise, so that the answer moves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor

from autograder.draw import Draw
from course import ToyTransformer, zoo

INDUCTION, IDLE = 2, (0, 1, 3)  # heads of layer 1, before any disguise
Tokens = Int[Tensor, "batch pos"]


def disguised_induction(draw: Draw) -> dict[str, Any]:
    """Return the trained model with its heads and vocabulary permuted, and sequences for it."""
    trained = zoo.load("induction_2l")
    disguised = zoo.disguise(trained, draw.integer(0, 2**31 - 1))
    period = draw.integer(9, 12)
    tokens = zoo.repeated_tokens(
        draw.integer(5, 7), period, trained.cfg.d_vocab, draw.generator, distinct=True
    )
    return {
        "model": disguised.model,
        "tokens": disguised.tokens(tokens),
        "period": period,
    }


def deepened_induction(draw: Draw) -> dict[str, Any]:
    """Return the trained model with a third layer and more heads of a kind, in disguise.

    One layer stands twice; the heads of the first of the two look around and write nothing. So
    kinds do not go with layers. Two idle heads become weak induction heads: one scores above the
    threshold in the second copy, but not along the whole diagonal. The score of both is lower in
    the first sequence, in which some tokens come back within R.
    """
    twice = draw.integer(0, 1)
    period, batch = draw.integer(9, 11), draw.integer(5, 7)
    model = _with_layer_twice(twice)
    tokens = zoo.repeated_tokens(batch, period, model.cfg.d_vocab, draw.generator, distinct=True)
    again = draw.integer(3, 4)
    copy = torch.cat([tokens[0, 1 : period + 1 - again], tokens[0, 1 : again + 1]])
    tokens[0, 1:] = torch.cat([copy, copy])
    layer = draw.choice(1, 2) if twice == 1 else 2
    weak, weaker = draw.distinct(2, low=0, high=len(IDLE)).tolist()
    _add_weak_head(model, tokens, period, (layer, IDLE[weak]), score=0.68)
    _add_weak_head(model, tokens, period, (layer, IDLE[weaker]), score=0.52)
    disguised = zoo.disguise(model, draw.integer(0, 2**31 - 1))
    return {
        "model": disguised.model,
        "tokens": disguised.tokens(tokens),
        "period": period,
    }


@torch.no_grad()
def _with_layer_twice(twice: int) -> ToyTransformer:
    """Return the trained model with a silent copy of one layer before it."""
    trained = zoo.load("induction_2l")
    weights = trained.state_dict()
    deeper = {name: value for name, value in weights.items() if not name.startswith("blocks.")}
    for layer, old in enumerate(sorted((0, 1, twice))):
        for name, value in weights.items():
            if name.startswith(f"blocks.{old}."):
                deeper[name.replace(f".{old}.", f".{layer}.", 1)] = value.clone()
    model = ToyTransformer(replace(trained.cfg, n_layers=3))
    model.load_state_dict(deeper)
    attn = _attention(model, twice)
    for name in ("W_Q", "b_Q"):  # no head equals its copy, so that one of them scores highest
        attn[name].mul_(0.95)
    for name in ("W_O", "b_O"):
        attn[name].zero_()
    return model


def _attention(model: ToyTransformer, layer: int) -> dict[str, Tensor]:
    """Return the weights of a layer's attention by name, to be changed in place."""
    prefix = f"blocks.{layer}.attn."
    return {
        name.removeprefix(prefix): weight
        for name, weight in model.named_parameters()
        if name.startswith(prefix)
    }


@torch.no_grad()
def _add_weak_head(
    model: ToyTransformer, tokens: Tokens, period: int, place: tuple[int, int], *, score: float
) -> None:
    """Put an induction head that writes nothing in a place: the first scale above the score."""
    layer, head = place
    attn = _attention(model, layer)
    for name in ("W_Q", "W_K", "W_V", "b_Q", "b_K", "b_V"):
        attn[name][head] = attn[name][INDUCTION]
    attn["W_O"][head] = 0.0
    for step in range(20, 100):  # a grid, so that every machine takes the same scale
        for name in ("W_Q", "b_Q"):
            attn[name][head] = attn[name][INDUCTION] * step / 100
        _, cache = model.run_with_cache(tokens, names=f"blocks.{layer}.attn.hook_pattern")
        stripe = cache["pattern", layer][:, head].diagonal(1 - period, dim1=-2, dim2=-1)
        if stripe[:, -period:].mean() > score:
            return
