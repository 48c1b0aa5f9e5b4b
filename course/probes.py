"""Linear probes: what can be read from activations by a linear map, in closed form.

Ridge regression: the weights that minimise the squared error plus `ridge` times their own square,
with a bias that is not penalised (Hoerl & Kennard, 1970; on hidden layers: Alain & Bengio,
"Understanding intermediate layers using linear classifier probes", 2016). For classes, each has a
target of 1 where it is and -1 where it is not, and the largest score wins. No optimiser, no seed:
the same data give the same probe.

Fit on some examples and judge on others: with more dimensions than examples every labelling can be
read from the ones it was fitted on. That something can be read does not show that it is used.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from course._expect import expect_labels, expect_rows


@dataclass(frozen=True)
class LinearProbe:
    """A linear map with a bias: `x @ weight + bias`."""

    weight: Float[Tensor, "d target"]
    bias: Float[Tensor, "target"]

    def __call__(self, x: Float[Tensor, "... d"]) -> Float[Tensor, "... target"]:
        """Return the predicted targets, or a score for each class."""
        return x @ self.weight + self.bias

    def classify(self, x: Float[Tensor, "... d"]) -> Int[Tensor, "..."]:
        """Return the class with the largest score."""
        return self(x).argmax(dim=-1)

    def is_correct(self, x: Float[Tensor, "n d"], labels: Int[Tensor, "n"]) -> Bool[Tensor, "n"]:
        """Return whether each example is classified right; `bootstrap` gives the accuracy.

        Raises:
            ValueError: for labels that are not one whole number for each row.

        """
        expect_labels("is_correct", labels, len(x))
        return self.classify(x) == labels


@torch.no_grad()
def regression_probe(
    x: Float[Tensor, "n d"], targets: Float[Tensor, "n target"] | Float[Tensor, "n"], ridge: float
) -> LinearProbe:
    """Fit a linear map from activations to numbers, in closed form.

    Args:
        x: one row for each example.
        targets: what should be read from it, one number or several.
        ridge: penalty on the sum of squared weights, beside the sum of squared errors. With 0 it is
            least squares, and of all solutions the one with the smallest weights.

    Raises:
        ValueError: for shapes that do not fit, fewer than two examples, NaN, or a negative ridge.

    """
    columns = targets[:, None] if targets.ndim == 1 else targets
    expect_rows("regression_probe", "x", x)
    expect_rows("regression_probe", "targets", columns, len(x))
    if not ridge >= 0:
        raise ValueError(f"A probe was given ridge={ridge}; expected 0 or more.")
    columns = columns.to(x.dtype)
    centre, level = x.mean(dim=0), columns.mean(dim=0)
    off, moved = x - centre, columns - level
    if ridge:
        penalty = ridge * torch.eye(x.shape[1], dtype=x.dtype, device=x.device)
        weight = torch.linalg.solve(off.mT @ off + penalty, off.mT @ moved)
    else:
        weight = torch.linalg.pinv(off) @ moved
    return LinearProbe(weight, level - centre @ weight)


def classification_probe(
    x: Float[Tensor, "n d"], labels: Int[Tensor, "n"], ridge: float, *, n_classes: int | None = None
) -> LinearProbe:
    """Fit a score for each class, by ridge regression to 1 and -1.

    Args:
        x: one row for each example.
        labels: its class, from 0.
        ridge: as in `regression_probe`.
        n_classes: how many classes there are; one more than the largest label unless given.

    Raises:
        ValueError: for shapes that do not fit, labels that are not whole numbers from 0, one class
            alone, NaN, or a negative ridge.

    """
    expect_rows("classification_probe", "x", x)
    expect_labels("classification_probe", labels, len(x))
    found = int(labels.max()) + 1
    n_classes = found if n_classes is None else n_classes
    if labels.unique().numel() < 2 or n_classes < found:
        raise ValueError(
            f"classification_probe was given {labels.unique().numel()} classes up to {found - 1} "
            f"and n_classes={n_classes}; expected two different labels at least, all below "
            "n_classes.\nThe examples may all be of one class: look at labels.unique()."
        )
    is_class = torch.nn.functional.one_hot(labels.long(), n_classes).to(x.dtype)
    return regression_probe(x, 2 * is_class - 1, ridge)
