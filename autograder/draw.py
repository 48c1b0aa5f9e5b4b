"""Random inputs for exercises: the same seed gives the same inputs on every machine."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TypeVar

import torch
from jaxtyping import Float, Int
from torch import Tensor

MAX_DRAWS = 1000
Case = TypeVar("Case")


class DrawError(ValueError):
    """A case function that asks for what is hardly ever drawn."""


class Draw:
    """A seeded source of the numbers that an exercise's case is made of.

    Tensors come out in float32, as a learner meets them.
    """

    def __init__(self, seed: str) -> None:
        """Start from any text, for example `public-1` or a digest of the course secret."""
        self.seed = seed
        digest = hashlib.sha256(seed.encode()).digest()
        self.generator = torch.Generator().manual_seed(int.from_bytes(digest[:8], "little") >> 1)

    def integer(self, low: int, high: int) -> int:
        """Return a whole number from `low` to `high`, both included."""
        return int(torch.randint(low, high + 1, (), generator=self.generator))

    def choice(self, *options):
        """Return one of the options."""
        return options[self.integer(0, len(options) - 1)]

    def uniform(self, low: float, high: float) -> float:
        """Return a number between `low` and `high`."""
        return low + (high - low) * float(torch.rand((), generator=self.generator))

    def normal(self, *shape: int, scale: float = 1.0, mean: float = 0.0) -> Float[Tensor, "..."]:
        """Return normal numbers of the given shape."""
        return mean + scale * torch.randn(shape, generator=self.generator)

    def tokens(self, *shape: int, d_vocab: int, low: int = 0) -> Int[Tensor, "..."]:
        """Return token ids from `low` up to, not including, `d_vocab`."""
        return torch.randint(low, d_vocab, shape, generator=self.generator)

    def distinct(self, count: int, *, low: int, high: int) -> Int[Tensor, "count"]:
        """Return `count` different whole numbers from `low` up to, not including, `high`."""
        return low + torch.randperm(high - low, generator=self.generator)[:count]

    def pattern(self, batch: int, head: int, pos: int) -> Float[Tensor, "batch head pos pos"]:
        """Return a random causal attention pattern: rows sum to one, no attention to the future."""
        scores = self.normal(batch, head, pos, pos, scale=1.5)
        future = torch.ones(pos, pos).triu(1).bool()
        return scores.masked_fill(future, -torch.inf).softmax(dim=-1)

    def until(self, make: Callable[[Draw], Case], good: Callable[[Case], bool]) -> Case:
        """Draw again until `good` accepts what `make` gives.

        Raises:
            DrawError: for the author: what is asked for is too rare.

        """
        for _ in range(MAX_DRAWS):
            made = make(self)
            if good(made):
                return made
        raise DrawError(
            f"none of {MAX_DRAWS} draws from {self.seed!r} is good enough: ask for less, or draw "
            "what is asked for more often"
        )
