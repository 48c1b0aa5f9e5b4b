"""Right and wrong ways to search a model for heads of two kinds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from course import ToyTransformer

Tokens = Int[Tensor, "batch pos"]
Heads = set[tuple[int, int]]


def stripes(model: ToyTransformer, tokens: Tokens, back: int) -> Tensor:
    """Return (layer batch head query): attention `back` places back."""
    _, cache = model.run_with_cache(tokens, names=lambda name: name.endswith("hook_pattern"))
    patterns = torch.stack([cache["pattern", layer] for layer in range(model.cfg.n_layers)])
    return patterns.diagonal(-back, dim1=-2, dim2=-1)


def scores(model: ToyTransformer, tokens: Tokens, back: int, first: int) -> Tensor:
    """Return (layer head): mean attention `back` places back, over queries from `first` on."""
    return stripes(model, tokens, back)[..., first - back :].mean((1, -1))


def above(scores: Float[Tensor, "layer head"], threshold: float = 0.5) -> Heads:
    """Return the heads with a score above the threshold."""
    return {(int(layer), int(head)) for layer, head in (scores > threshold).nonzero()}


def both(model: ToyTransformer, tokens: Tokens, period: int, back: int = -1) -> dict[str, Heads]:
    """Return the heads of both kinds: the right search, unless `back` says otherwise."""
    back = period - 1 if back < 0 else back
    return {
        "previous_token": above(scores(model, tokens, 1, 1)),
        "induction": above(scores(model, tokens, back, period + 1)),
    }


def renamed(found: dict[str, Heads], rename: Callable[[int, int], Any]) -> dict[str, Heads]:
    return {role: {rename(*pair) for pair in pairs} for role, pairs in found.items()}


def roles_swapped(model, tokens, period):
    found = both(model, tokens, period)
    return {"previous_token": found["induction"], "induction": found["previous_token"]}


def last_layer_only(model, tokens, period):
    last = model.cfg.n_layers - 1
    found = both(model, tokens, period)
    return {role: {pair for pair in pairs if pair[0] == last} for role, pairs in found.items()}


def previous_occurrence(model, tokens, period):
    return both(model, tokens, period, back=period)


def counts_from_one(model, tokens, period):
    return renamed(both(model, tokens, period), lambda layer, head: (layer + 1, head + 1))


def pair_swapped(model, tokens, period):
    return renamed(both(model, tokens, period), lambda layer, head: (head, layer))


def head_without_layer(model, tokens, period):
    return renamed(both(model, tokens, period), lambda _layer, head: (0, head))


def by_role(model, tokens, period) -> dict[str, Float[Tensor, "layer head"]]:
    """Return the scores of both kinds."""
    return {
        "previous_token": scores(model, tokens, 1, 1),
        "induction": scores(model, tokens, period - 1, period + 1),
    }


def best_head_of_every_layer(model, tokens, period):
    return {
        role: {(layer, int(row.argmax())) for layer, row in enumerate(scores)}
        for role, scores in by_role(model, tokens, period).items()
    }


def best_head_of_all(model, tokens, period):
    return {
        role: {divmod(int(scores.argmax()), model.cfg.n_heads)}
        for role, scores in by_role(model, tokens, period).items()
    }


def layers_fixed(model, tokens, period):
    found = both(model, tokens, period)
    return {
        role: {pair for pair in found[role] if pair[0] == layer}
        for layer, role in enumerate(("previous_token", "induction"))
    }


def whole_diagonal(model, tokens, period):
    stripe = above(scores(model, tokens, period - 1, period - 1))
    return both(model, tokens, period) | {"induction": stripe}


def window_forgets_bos(model, tokens, period):
    window = stripes(model, tokens, period - 1)[..., 1:-1].mean((1, -1))
    return both(model, tokens, period) | {"induction": above(window)}


def largest_entry(model, tokens, period):
    return {
        "previous_token": above(stripes(model, tokens, 1).amax((1, -1))),
        "induction": above(stripes(model, tokens, period - 1)[..., 2:].amax((1, -1))),
    }


def threshold(threshold: float) -> Callable[..., dict[str, Heads]]:
    def wrong(model, tokens, period):
        scored = by_role(model, tokens, period)
        return {role: above(scores, threshold) for role, scores in scored.items()}

    return wrong


def one_kind_per_head(model, tokens, period):
    found, scored = both(model, tokens, period), by_role(model, tokens, period)
    looks_back = above(scored["previous_token"] - scored["induction"], 0.0)
    return {
        "previous_token": found["previous_token"] & looks_back,
        "induction": found["induction"] - looks_back,
    }


def no_previous(model, tokens, period):
    return both(model, tokens, period) | {"previous_token": set()}


def first_sequence(model, tokens, period):
    return both(model, tokens[:1], period)
