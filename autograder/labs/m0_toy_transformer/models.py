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


# A number of layers and one of them: first, last and in between. Three in a row differ in both.
PLACES = ((3, 0), (2, 1), (4, 2), (3, 1), (4, 3), (2, 0), (4, 1), (3, 2), (4, 0))


def in_turn(draw: Draw, *options):
    """Return the option whose turn it is in the cases 1, 2, 3, and any of them in a hidden case.

    The few public cases then differ in what a hard-coded number would get right.
    """
    _, _, number = draw.seed.rpartition("-")
    return options[(int(number) - 1) % len(options)] if number.isdigit() else draw.choice(*options)


def draw_model(draw: Draw, n_layers: int) -> ToyTransformer:
    """Draw a model whose parts all matter."""
    n_heads, d_head, d_model, d_mlp, d_vocab = sizes(
        draw, (2, 3), (4, 5), (9, 11), (12, 14), (15, 17)
    )
    cfg = Config(
        n_layers=n_layers,
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


def draw_prompt(draw: Draw, n_layers: int) -> dict:
    """Draw a model, and a batch of tokens for it."""
    model = draw_model(draw, n_layers)
    batch, pos = sizes(draw, (2, 3), (5, 7))
    return {"model": model, "tokens": draw.tokens(batch, pos, d_vocab=model.cfg.d_vocab)}
