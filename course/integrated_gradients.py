"""Integrated gradients: what each input did, on the straight way from a baseline to here.

The difference f(x) - f(baseline) is the integral of the slope along the line between them, and each
input's part of that integral is its attribution; so the attributions sum to the difference, whether
or not the function is saturated at x (Sundararajan, Taly & Yan, "Axiomatic Attribution for Deep
Networks", 2017). The integral is taken by the midpoint rule. What is left between sum and
difference is the *completeness gap*: look at it before believing the numbers.

The baseline says what "without" means. For a language model take other tokens' embeddings with
their positions kept (`of_embeddings` does that), such as those of a minimal pair. A residual stream
of zeros is no token's, and near it LayerNorm divides by almost nothing: the slope is so steep there
that no reasonable number of steps converges.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from tqdm.auto import tqdm

from course.as_functions import Function
from course.gradients import value_and_gradient


@dataclass(frozen=True)
class IntegratedGradients:
    """Attributions, and what they should sum to.

    Attributes:
        attributions: (batch ...), of the input's shape; sum over d_model for a number a token.
        difference: (batch), f(x) - f(baseline).

    """

    attributions: Float[Tensor, "batch ..."]
    difference: Float[Tensor, "batch"]

    @property
    def gap(self) -> Float[Tensor, "batch"]:
        """The completeness gap: the sum of a row's attributions, minus its difference."""
        inner = tuple(range(self.difference.ndim, self.attributions.ndim))
        total = self.attributions.sum(dim=inner) if inner else self.attributions
        return total - self.difference


def integrated_gradients(
    f: Function,
    x: Float[Tensor, "batch ..."],
    baseline: Float[Tensor, "batch ..."],
    *,
    steps: int = 50,
    progress: bool = False,
) -> IntegratedGradients:
    """Return (x - baseline) times the mean gradient on the line from baseline to x.

    Args:
        f: from (batch ...) to (batch), each row by itself.
        x: where the line ends.
        baseline: where it starts, of the shape of `x`.
        steps: points at which the gradient is taken: the middles of so many equal parts.
        progress: whether to show a bar.

    Raises:
        ValueError: for less than one step, a baseline of another shape or dtype, and the cases of
            `gradients.gradient`.

    """
    if steps < 1:
        raise ValueError(f"integrated_gradients was given steps={steps}; expected 1 or more.")
    if baseline.shape != x.shape or baseline.dtype != x.dtype:
        raise ValueError(
            f"integrated_gradients was given a baseline of shape {tuple(baseline.shape)}, "
            f"{baseline.dtype}, for x of shape {tuple(x.shape)}, {x.dtype}; expected the same.\n"
            "One baseline for all rows: baseline.expand_as(x)."
        )
    x, baseline = x.detach(), baseline.detach()
    total = torch.zeros_like(x)
    for step in tqdm(range(steps), "integrated gradients", disable=not progress):
        point = baseline + (x - baseline) * ((step + 0.5) / steps)
        total += value_and_gradient(f, point)[1]
    with torch.no_grad():
        difference = f(x) - f(baseline)
    return IntegratedGradients((x - baseline) * total / steps, difference)
