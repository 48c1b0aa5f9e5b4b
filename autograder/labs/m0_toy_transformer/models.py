"""Small random transformers to ask questions about: every bias non-zero, every gain not one."""

from __future__ import annotations

import torch

from autograder.draw import Draw
from course import Config, ToyTransformer


def sizes(draw: Draw, *ranges: tuple[int, int]) -> list[int]:
    """Return one size from each range, both ends included.

    Ranges that do not overlap give sizes that all differ, so that a swapped axis shows as a shape.
    """
    return [draw.integer(low, high) for low, high in ranges]


def draw_model(draw: Draw) -> ToyTransformer:
    """Draw a model of three layers whose parts all matter."""
    n_heads, d_head, d_model, d_mlp, d_vocab = sizes(
        draw, (2, 3), (4, 5), (9, 11), (12, 14), (15, 17)
    )
    cfg = Config(
        n_layers=3,
        n_heads=n_heads,
        d_head=d_head,
        d_model=d_model,
        d_mlp=d_mlp,
        d_vocab=d_vocab,
        n_ctx=8,
        eps=1e-5,
    )
    model = ToyTransformer(cfg)
    for name, parameter in model.named_parameters():
        parameter.data = draw.normal(*parameter.shape, **spread(name, parameter.shape))
    return model


def spread(name: str, shape: torch.Size) -> dict[str, float]:
    """Return the standard deviation and the mean of one of the model's parameters."""
    kind = name.rsplit(".", 1)[-1]
    if kind == "w":
        return {"scale": 0.3, "mean": 1.2}
    if kind in ("W_E", "W_pos"):
        return {"scale": 1.0}
    if kind.startswith("b"):
        return {"scale": 0.5}
    return {"scale": 1.2 * shape[-2] ** -0.5}


def draw_prompt(draw: Draw) -> dict:
    """Draw a model, and a batch of tokens for it."""
    model = draw_model(draw)
    batch, pos = sizes(draw, (2, 3), (5, 7))
    return {"model": model, "tokens": draw.tokens(batch, pos, d_vocab=model.cfg.d_vocab)}
