"""What the small recipes share: a model's shape, and training on what it should say next."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from course.config import Config
from course.model import ToyTransformer
from course.zoo.templates import Template

LEARNING_RATE = 3e-3
WEIGHT_DECAY = 0.01
BATCH = 256
WARM_UP = 50  # steps

Loss = Callable[[ToyTransformer, torch.Generator], Float[Tensor, ""]]


def config(language: Template, seed: int, n_layers: int = 1) -> Config:
    """Return the shape of a model that reads a language and replies with one word."""
    return Config(
        n_layers=n_layers,
        n_heads=4,
        d_model=32,
        d_head=8,
        d_mlp=64,
        n_ctx=len(language.text.split()) + 2,
        d_vocab=len(language.words),
        seed=seed,
    )


def fit(
    name: str, model: ToyTransformer, loss_of_batch: Loss, seed: int, steps: int, progress: bool
) -> ToyTransformer:
    """Lower a loss on fresh batches, and return the model.

    Args:
        name: what the bar says.
        model: changed in place.
        loss_of_batch: the loss on a batch drawn with the generator.
        seed: of the generator.
        steps: how many batches.
        progress: whether to show a bar.

    """
    from tqdm import tqdm

    generator = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=LEARNING_RATE, betas=(0.9, 0.98), weight_decay=WEIGHT_DECAY
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min((step + 1) / WARM_UP, 1.02 - step / max(steps, 1))
    )
    for _ in tqdm(range(steps), desc=name, disable=not progress):
        optimiser.zero_grad()
        loss_of_batch(model, generator).backward()
        optimiser.step()
        schedule.step()
    return model


def answer_ids(language: Template, index: Int[Tensor, "prompt"]) -> Int[Tensor, "prompt"]:
    """Return the tokens of the answers with these indices."""
    return language.encode(" ".join(language.answers))[index]


def chance(n: int, probability: float, generator: torch.Generator) -> Tensor:
    """Draw n booleans that are true with a probability."""
    return torch.rand(n, generator=generator) < probability


def share(holds: Tensor) -> float:
    """Return the part of some booleans that is true.

    Raises:
        ValueError: for none at all, of which there is no part.

    """
    if not holds.numel():
        raise ValueError("share got no booleans; expected at least one. A group may be empty.")
    return float(holds.double().mean())
