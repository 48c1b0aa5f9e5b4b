"""Attention weighted by what it moves: a look at nothing is nothing.

A pattern says how much a head looks, not how much it moves from there: where the value is small, or
W_O does not read it, full attention does nothing (Kobayashi et al., "Attention is Not Only a
Weight", 2020). The norm of what each key sends to each query counts both.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from course.cache import ActivationCache
from course.model import ToyTransformer


def value_weighted_attention(
    model: ToyTransformer, cache: ActivationCache, layer: int
) -> Float[Tensor, "batch head query key"]:
    """Return the norm of pattern x value x W_O: the length of what each query gets from each key.

    The value includes b_V. b_O comes from no key, and is left out.

    Args:
        model: whose W_O writes the values into the stream.
        cache: of a run; it holds the layer's `hook_pattern` and `hook_v`.
        layer: counted from 0.

    Raises:
        UnknownHookError: if there is no such layer, or the cache lacks one of the two.

    """
    pattern, value = cache["pattern", layer], cache["v", layer]
    written = torch.einsum("bkhd,hdm->bhkm", value, model.W_O[layer])
    return pattern * written.norm(dim=-1)[:, :, None, :]
