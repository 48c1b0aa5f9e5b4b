"""Concept erasure in closed form (LEACE): no linear probe can find the concept any more.

An affine map of the activations after which their cross-covariance with the concept is 0. Then no
linear classifier beats a constant, and of all affine maps that do this LEACE moves the activations
least in mean square (Belrose et al., "LEACE: Perfect linear concept erasure in closed form", 2023).
Whiten, project out what covaries with the concept, and unwhiten; the mean stays where it is.
Projecting out the difference of means without whitening removes the mean difference as well, but
moves more. What a non-linear probe finds may still be there.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from course._expect import expect_labels, expect_rows
from course.hooks import HookPoint


@dataclass(frozen=True)
class Eraser:
    """The affine map x - (x - mean) @ removal.

    Attributes:
        removal: a projection, not an orthogonal one in general: what is taken away.
        mean: of the activations it was fitted on, which it leaves where it is.

    """

    removal: Float[Tensor, "d d"]
    mean: Float[Tensor, "d"]

    def __call__(self, x: Float[Tensor, "... d"]) -> Float[Tensor, "... d"]:
        """Return the activations without the concept."""
        return x - (x - self.mean) @ self.removal

    def hook(self, activation: Float[Tensor, "... d"], _: HookPoint) -> Float[Tensor, "... d"]:
        """Erase it at every position of what passes: `fwd_hooks=[(name, eraser.hook)]`."""
        return self(activation)


@torch.no_grad()
def leace(
    x: Float[Tensor, "n d"], concept: Int[Tensor, "n"] | Float[Tensor, "n k"], *, tol: float = 1e-9
) -> Eraser:
    """Fit the least movement that leaves no linear trace of a concept.

    Args:
        x: activations, one row for each example.
        concept: a label from 0 for each example, or numbers (n k).
        tol: a direction with less than this part of the largest variance counts as empty, and a
            correlation with the concept below it as none.

    Raises:
        ValueError: for shapes that do not fit, labels that are not whole numbers from 0, a concept
            or activations that never vary, or NaN.

    """
    expect_rows("leace", "x", x)
    z = _numbers(concept, len(x)).to(x.device, torch.float64)
    expect_rows("leace", "concept", z, len(x))
    # Roots of small variances need more digits than float32 has.
    mean = x.double().mean(dim=0)
    off, deviation = x - mean, z - z.mean(dim=0)
    variances, axes = torch.linalg.eigh(off.mT @ off / len(x))
    if not (variances[-1] > 0 and deviation.abs().max() > 0):
        raise ValueError(
            "leace was given a concept or activations that are the same for all examples; expected "
            "both to vary.\nThe examples may all be of one class."
        )
    real = variances > tol * variances[-1]
    axes, spread = axes[:, real], variances[real].sqrt()
    whitened = (axes / spread).mT @ (off.mT @ deviation) / len(x)  # (axis k)
    left, sizes, _ = torch.linalg.svd(whitened, full_matrices=False)
    left = left[:, sizes > tol * deviation.std(dim=0, correction=0).norm()]
    # Rows are activations, so the map is the transpose of the paper's W^+ P W.
    removal = (axes / spread) @ left @ left.mT @ (axes * spread).mT
    return Eraser(removal.to(x.dtype), mean.to(x.dtype))


def _numbers(concept: Tensor, n: int) -> Tensor:
    """Return a concept as numbers: for labels, a column for each class."""
    if concept.ndim != 1 or concept.is_floating_point():
        return concept[:, None] if concept.ndim == 1 else concept
    expect_labels("leace", concept, n)
    return F.one_hot(concept.long())
