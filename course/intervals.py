"""A mean with the interval that it could have been: the bootstrap.

Draw as many values as there are, with replacement, and take their mean; do so often. The middle 95%
of those means are the interval (the percentile bootstrap; Efron, "Bootstrap Methods: Another Look
at the Jackknife", 1979). It speaks of other samples like this one, not of other kinds of input.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Shaped
from torch import Tensor


@dataclass(frozen=True)
class Interval:
    """The mean of `n` values, and the ends of its interval."""

    mean: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{self.mean:.4g} [{self.low:.4g}, {self.high:.4g}], n = {self.n}"


@torch.no_grad()
def bootstrap(
    values: Shaped[Tensor, "n"] | Sequence[float],
    *,
    confidence: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> Interval:
    """Return the mean of the values with its bootstrap interval.

    To compare two methods on the same examples, give the differences.

    Args:
        values: one number for each independent example; True and False count as 1 and 0.
        confidence: how much of the resampled means lies within the interval.
        resamples: how many means are drawn.
        seed: of the draws; torch's own generator is left alone.

    Raises:
        ValueError: for fewer than two values, another rank, or a value that is not finite.

    """
    sample = torch.as_tensor(values).detach().double()
    if sample.ndim != 1 or len(sample) < 2:
        raise ValueError(
            f"bootstrap was given values of shape {tuple(sample.shape)}; expected (n), with n of "
            "at least 2.\nOne value has no spread to resample; average axes other than examples."
        )
    if not sample.isfinite().all():
        raise ValueError(
            f"bootstrap was given {int((~sample.isfinite()).sum())} values of {len(sample)} that "
            "are NaN or infinite; expected numbers.\nFind the examples: values.isfinite()."
        )
    if not 0 < confidence < 1 or resamples < 1:
        raise ValueError(
            f"bootstrap was given confidence={confidence} and resamples={resamples}; expected "
            "0 < confidence < 1 and at least one resample."
        )
    generator = torch.Generator(sample.device).manual_seed(seed)
    means = torch.stack([_resampled(sample, generator).mean() for _ in range(resamples)])
    tail = (1 - confidence) / 2
    low, high = torch.quantile(means, means.new_tensor([tail, 1 - tail])).tolist()
    return Interval(float(sample.mean()), low, high, len(sample))


def _resampled(sample: Tensor, generator: torch.Generator) -> Tensor:
    """Draw as many values as there are, with replacement."""
    return sample[
        torch.randint(len(sample), sample.shape, generator=generator, device=sample.device)
    ]
