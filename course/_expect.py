"""Checks of what the instruments on data are given: rows of activations, labels, scores."""

from __future__ import annotations

import torch
from torch import Tensor


def expect_rows(who: str, name: str, x: Tensor, n: int | None = None, least: int = 2) -> None:
    """Raise ValueError unless `x` is a matrix of finite numbers, a row for each example."""
    if x.ndim != 2 or (n is not None and len(x) != n) or len(x) < least or not x.shape[1]:
        rows = f"at least {least}" if n is None else str(n)
        raise ValueError(
            f"{who} was given {name} of shape {tuple(x.shape)}; expected (n, d) with {rows} rows, "
            "one for each example.\n"
            "Activations (batch pos d_model) become rows by x.flatten(0, 1), or by taking one "
            "position: x[:, -1]."
        )
    _expect_finite(who, name, x)


def expect_numbers(who: str, name: str, x: Tensor, n: int | None = None) -> None:
    """Raise ValueError unless `x` holds one finite number for each of `n` examples."""
    if x.ndim != 1 or (n is not None and len(x) != n) or not len(x):
        raise ValueError(
            f"{who} was given {name} of shape {tuple(x.shape)}; expected one number for each "
            f"example, ({'n' if n is None else n},), and one example at least."
        )
    _expect_finite(who, name, x)


def expect_labels(who: str, labels: Tensor, n: int) -> None:
    """Raise ValueError unless there is a whole number from 0 for each of `n` examples."""
    whole = labels.dtype == torch.bool or not (labels.is_floating_point() or labels.is_complex())
    if labels.shape != (n,) or not n or not whole or bool((labels < 0).any()):
        low = f" from {labels.min().item()}" if labels.numel() else ""
        raise ValueError(
            f"{who} was given labels of shape {tuple(labels.shape)}, {labels.dtype}{low}; "
            f"expected one whole number from 0 for each of the {n} examples, ({n},).\n"
            "Labels may need .long(), and examples without one leaving out."
        )


def expect_flags(who: str, name: str, flags: Tensor, n: int | None = None) -> None:
    """Raise ValueError unless there is a True or False for each of `n` examples."""
    if (
        flags.dtype != torch.bool
        or flags.ndim != 1
        or not len(flags)
        or n not in (None, len(flags))
    ):
        raise ValueError(
            f"{who} was given {name} of shape {tuple(flags.shape)}, {flags.dtype}; expected True "
            f"or False for each example, ({'n' if n is None else n},) of torch.bool, and one "
            "example at least.\nA comparison gives such a tensor: labels == 1."
        )


def _expect_finite(who: str, name: str, x: Tensor) -> None:
    if x.is_floating_point() and not x.isfinite().all():
        raise ValueError(
            f"{who} was given {name} of which {int((~x.isfinite()).sum())} of {x.numel()} numbers "
            f"are NaN or infinite; expected finite numbers.\nFind them: {name}.isfinite()."
        )
