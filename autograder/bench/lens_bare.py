"""The matrix products of a model and of an SAE, and nothing around them: no code can be faster.

Weights lie ready in the layout that each product likes best; there are no norms, masks, softmaxes,
additions or hooks.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from course import Config


def forward(cfg: Config, batch: int, pos: int) -> Callable[[], None]:
    """Return a function that makes the products of one forward pass."""
    draw, rows = torch.randn, batch * pos
    width = cfg.n_heads * cfg.d_head
    x, z = draw(rows, cfg.d_model), draw(rows, width)
    q, k, v = (draw(batch * cfg.n_heads, pos, cfg.d_head) for _ in range(3))
    pattern = draw(batch * cfg.n_heads, pos, pos)
    pairs = []
    for _ in range(cfg.n_layers):
        pairs += [
            (x, draw(cfg.d_model, 3 * width)),
            (q, k.mT),
            (pattern, v),
            (z, draw(width, cfg.d_model)),
        ]
        if cfg.d_mlp:
            pairs += [
                (x, draw(cfg.d_model, cfg.d_mlp)),
                (draw(rows, cfg.d_mlp), draw(cfg.d_mlp, cfg.d_model)),
            ]
    return products([*pairs, (x, draw(cfg.d_model, cfg.d_vocab))])


def sae_step(d_in: int, d_sae: int, batch: int) -> Callable[[], None]:
    """Return a function that makes the products of one step of training: two there, three back."""
    x, latents = torch.randn(batch, d_in), torch.randn(batch, d_sae)
    W_enc, W_dec = torch.randn(d_in, d_sae), torch.randn(d_sae, d_in)
    there = [(x, W_enc), (latents, W_dec)]
    return products([*there, (latents.T, x), (x, W_dec.T), (x.T, latents)])


def products(pairs: list[tuple[Tensor, Tensor]]) -> Callable[[], None]:
    """Return a function that multiplies each pair."""

    def multiply() -> None:
        for left, right in pairs:
            torch.matmul(left, right)

    return multiply
