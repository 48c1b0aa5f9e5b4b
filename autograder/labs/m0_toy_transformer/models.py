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


# A number of layers and one of them: each of 1 to 5 comes up twice, a model's last layer once.
PLACES = (
    (5, 2),
    (7, 4),
    (4, 3),
    (7, 1),
    (7, 5),
    (6, 3),
    (5, 1),
    (6, 2),
    (6, 4),
    (8, 5),
)


def in_turn(draw: Draw, *options):
    """Return the option whose turn it is in the cases 1, 2, 3, and any of them in a hidden case.

    The few public cases then differ in what a hard-coded number would get right.
    """
    _, _, number = draw.seed.rpartition("-")
    return options[(int(number) - 1) % len(options)] if number.isdigit() else draw.choice(*options)


def draw_model(draw: Draw, n_layers: int, heads: tuple[int, int]) -> ToyTransformer:
    """Draw a model whose parts all matter."""
    n_heads, d_head, d_model, d_mlp, d_vocab = sizes(draw, heads, (3, 4), (8, 9), (10, 12), (7, 8))
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


def draw_prompt(draw: Draw, n_layers: int, heads: tuple[int, int] = (2, 3)) -> dict:
    """Draw a model, and a batch of tokens for it."""
    model = draw_model(draw, n_layers, heads)
    batch, pos = sizes(draw, (2, 2), (6, 7))
    return {"model": model, "tokens": draw.tokens(batch, pos, d_vocab=model.cfg.d_vocab)}
