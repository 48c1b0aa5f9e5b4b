"""Random inputs for exercises: the same seed gives the same inputs on every machine."""

from __future__ import annotations

import hashlib

import torch
from jaxtyping import Float, Int
from torch import Tensor


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
