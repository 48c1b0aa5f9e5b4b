"""What models written by hand have in common: an empty model, and attention that does not waver.

Scores differ by thousands, so the softmax is exactly one-hot in float64, and whatever is computed
from whole numbers is exact.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from course.config import Config
from course.model import ToyTransformer

MATCH = 4000.0  # the attention score of the place that a head looks for
REST = 2000.0  # that of position 0, where it rests when there is none; exp(REST - MATCH) is 0.0

Weights = dict[str, Tensor]


@torch.no_grad()
def empty(**sizes: int) -> tuple[ToyTransformer, Weights]:
    """Return a float64 model whose every weight is zero, and its weights by name.

    It has ReLU neurons, learned positions and no normalisation.
    """
    fields = {"act_fn": "relu", "normalization_type": None, "dtype": "float64"}
    model = ToyTransformer(Config(**sizes, **fields))  # type: ignore[arg-type]
    for weight in model.parameters():
        weight.zero_()
    return model, dict(model.named_parameters())


def head(weights: Weights, layer: int, index: int) -> Weights:
    """Return a head's weights by their short names, as views."""
    names = ("W_Q", "W_K", "W_V", "W_O", "b_Q")
    return {name: weights[f"blocks.{layer}.attn.{name}"][index] for name in names}


def look(of: Weights, query: int, key: int, origin: int) -> None:
    """Make a head look at coordinate `key` from coordinate `query`, and else rest on `origin`.

    It takes up the first two coordinates of d_head for queries and keys.

    Args:
        of: the head's weights.
        query: where this coordinate of the stream is one, the head looks.
        key: the coordinate that is one at the place that it looks for.
        origin: the coordinate that is one at position 0.

    """
    scale = math.sqrt(of["W_Q"].shape[-1])  # the model divides scores by it
    of["W_Q"][query, 0] = MATCH * scale
    of["W_K"][key, 0] = 1.0
    of["b_Q"][1] = REST * scale
    of["W_K"][origin, 1] = 1.0
