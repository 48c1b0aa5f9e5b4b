"""Activations whose features are known: more directions than dimensions, few present at a time.

Each feature is present or absent by a coin of its own; where present it has a size, and adds that
much of its direction. What a sparse autoencoder should find is then no matter of opinion. Lineage:
"Toy Models of Superposition" (Elhage et al. 2022), and Sharkey, Braun and Millidge, "Taking
features out of superposition with sparse autoencoders" (2022).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor


class Sample(NamedTuple):
    """Activations, and the features that they were made of.

    Attributes:
        activations: (batch d_in), `sizes @ directions`.
        sizes: (batch feature), zero where a feature is absent.

    """

    activations: Float[Tensor, "batch d_in"]
    sizes: Float[Tensor, "batch feature"]


@dataclass(frozen=True)
class SyntheticFeatures:
    """Sparse features in fewer dimensions.

    Attributes:
        directions: (feature d_in), of norm one.
        probability: (feature), how often each is present.
        smallest: the least size of a feature that is present; sizes are drawn evenly up to one.

    """

    directions: Float[Tensor, "feature d_in"]
    probability: Float[Tensor, "feature"]
    smallest: float

    @property
    def l0(self) -> float:
        """How many features an activation has, on average."""
        return float(self.probability.sum())

    def sample(self, batch: int, generator: torch.Generator) -> Sample:
        """Draw activations, and say what is in them.

        Raises:
            ValueError: for an empty batch.

        """
        if batch < 1:
            raise ValueError(f"sample got batch={batch}; expected at least one activation.")
        shape, dtype = (batch, len(self.directions)), self.directions.dtype
        # Drawn in float64 and rounded, so that precision does not change which are present.
        coins, sizes = (
            torch.rand(shape, generator=generator, dtype=torch.float64) for _ in range(2)
        )
        sizes = self.smallest + (1 - self.smallest) * sizes
        sizes = torch.where(coins < self.probability, sizes, 0.0).to(dtype)
        return Sample(sizes @ self.directions, sizes)


def synthetic_features(
    n_features: int = 20,
    d_in: int = 10,
    probability: float | Float[Tensor, "feature"] = 0.05,
    *,
    smallest: float = 0.0,
    seed: int = 0,
    dtype: torch.dtype = torch.float32,
) -> SyntheticFeatures:
    """Draw directions at random, evenly over the sphere.

    Args:
        n_features: how many.
        d_in: in how many dimensions.
        probability: how often each is present, one for all or one for each.
        smallest: the least size of a feature that is present, from 0 to 1.
        seed: of the directions.
        dtype: of directions and samples.

    Raises:
        ValueError: for sizes or probabilities that are out of range.

    """
    chance = torch.as_tensor(probability, dtype=torch.float64)
    if n_features < 1 or d_in < 1 or not 0 <= smallest <= 1:
        raise ValueError(
            f"synthetic_features got n_features={n_features}, d_in={d_in}, smallest={smallest}; "
            "expected at least one of each, and smallest from 0 to 1."
        )
    if chance.shape not in ((), (n_features,)) or not bool(((chance >= 0) & (chance <= 1)).all()):
        raise ValueError(
            f"synthetic_features got probability={probability}; expected a number from 0 to 1, or "
            f"one for each of the {n_features} features."
        )
    generator = torch.Generator().manual_seed(seed)
    directions = torch.randn(n_features, d_in, generator=generator, dtype=torch.float64)
    directions /= directions.norm(dim=-1, keepdim=True)
    return SyntheticFeatures(directions.to(dtype), chance.expand(n_features), smallest)
