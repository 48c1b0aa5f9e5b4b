"""Answers that differ and are equally right: the form in which equivalent ones are equal.

An exercise declares its invariance by name; it is never guessed.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from autograder.verdict import Mismatch, listed

MAX_D_HEAD = 4096


def canonical(expected: Any, got: Any, invariance: str) -> tuple[Any, Any]:
    """Return both answers in the form in which equivalent ones are equal.

    Raises:
        Mismatch: `got` has no such form.

    """
    check, form = INVARIANCES[invariance]
    check(expected, got)
    return form(expected), form(got)


def _check_head(expected: dict[str, Tensor], got: Any) -> None:
    """Check types and sizes before anything is multiplied: a product can be very much larger."""
    names = tuple(expected)
    if not isinstance(got, dict) or set(got) != set(names):
        found = listed(list(got)) if isinstance(got, dict) else type(got).__name__
        raise Mismatch("number of outputs", f"expected a dict with the keys {names}, got {found}")
    for name, weight in got.items():
        if not isinstance(weight, Tensor) or not weight.is_floating_point():
            raise Mismatch("type", f"[{name!r}]: expected a tensor of floating numbers")
        if weight.ndim != 2:
            raise Mismatch("shape", f"[{name!r}]: expected two axes, got {tuple(weight.shape)}")
    shapes = {name: tuple(got[name].shape) for name in names}
    d_model, d_head = expected["W_Q"].shape[0], shapes["W_Q"][1]
    d_value = shapes["W_V"][1]
    wanted = {
        "W_Q": (d_model, d_head),
        "W_K": (d_model, d_head),
        "W_V": (d_model, d_value),
        "W_O": (d_value, d_model),
    }
    if shapes != wanted or not 0 < max(d_head, d_value) <= MAX_D_HEAD:
        raise Mismatch(
            "shape",
            f"with d_model = {d_model}, W_Q, W_K and W_V are (d_model, d_head) and W_O is "
            "(d_head, d_model): " + ", ".join(f"{name} is {shapes[name]}" for name in names),
        )


def _circuits(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Map an attention head's four weights to the two products that decide what it does.

    Any invertible change of basis inside the head leaves W_Q W_K^T and W_V W_O as they are
    (Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits").
    """
    W_Q, W_K, W_V, W_O = (weights[name].double() for name in ("W_Q", "W_K", "W_V", "W_O"))
    return {"QK": W_Q @ W_K.T, "OV": W_V @ W_O}


# How to check that an answer can be brought into the form, and the form.
INVARIANCES = {"factored": (_check_head, _circuits)}
