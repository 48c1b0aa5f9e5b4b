"""Directions: find the one along which two groups of activations differ, and take it out or add it.

The difference of means is the simplest linear feature there is, and often the one that steers
best (Marks & Tegmark, "The Geometry of Truth", 2023). *Directional ablation* sets the component
along it to 0 or to a given value, so that nothing downstream can read it (Arditi et al., "Refusal
in Language Models Is Mediated by a Single Direction", 2024). *Addition* pushes along it (Turner et
al., "Activation Addition", 2023). Both are hook functions, to be given to `model.hooks`.
"""

from __future__ import annotations

from jaxtyping import Bool, Float
from torch import Tensor

from course._expect import expect_flags, expect_rows
from course.hooks import HookFunction, HookPoint


def difference_of_means(x: Float[Tensor, "n d"], is_in: Bool[Tensor, "n"]) -> Float[Tensor, "d"]:
    """Return the mean of the examples in the group minus the mean of the others, not normalised.

    Raises:
        ValueError: for shapes that do not fit, NaN, or a group without examples.

    """
    expect_rows("difference_of_means", "x", x)
    expect_flags("difference_of_means", "is_in", is_in, len(x))
    if is_in.all() or not is_in.any():
        raise ValueError(
            f"difference_of_means was given {int(is_in.sum())} examples in the group of {len(x)}; "
            "expected some in it and some not."
        )
    return x[is_in].mean(dim=0) - x[~is_in].mean(dim=0)


def ablate_direction(
    direction: Float[Tensor, "d"], *, value: float = 0.0, pos: int | slice | None = None
) -> HookFunction:
    """Return a hook that sets the component of an activation (... pos d) along a direction.

    Args:
        direction: its length does not matter.
        value: what the component, in units of the activation, becomes; 0 removes it.
        pos: which positions; all of them when None.

    Raises:
        ValueError: for a direction of length 0, NaN, or another rank; when called, for an
            activation of another width.

    """
    unit = _checked("ablate_direction", direction)
    unit = unit / unit.norm()

    def ablate(activation: Float[Tensor, "batch pos d"], hook: HookPoint) -> Tensor:
        chosen, along = _at(activation, pos, unit, hook), unit.to(activation)
        component = (chosen @ along)[..., None]
        chosen += (value - component) * along
        return activation

    return ablate


def add_direction(
    direction: Float[Tensor, "d"], scale: float = 1.0, *, pos: int | slice | None = None
) -> HookFunction:
    """Return a hook that adds `scale` times a direction to an activation (... pos d).

    Args:
        direction: it is added as long as it is.
        scale: how often; negative pushes the other way.
        pos: which positions; all of them when None.

    Raises:
        ValueError: as for `ablate_direction`.

    """
    step = scale * _checked("add_direction", direction)

    def add(activation: Float[Tensor, "batch pos d"], hook: HookPoint) -> Tensor:
        chosen = _at(activation, pos, step, hook)
        chosen += step.to(activation)
        return activation

    return add


def _checked(who: str, direction: Tensor) -> Tensor:
    """Return a direction that is one."""
    if direction.ndim != 1 or not direction.isfinite().all() or not direction.norm() > 0:
        raise ValueError(
            f"{who} was given a direction of shape {tuple(direction.shape)} and length "
            f"{float(direction.norm()):.4g}; expected finite numbers (d) of a length above 0.\n"
            "The two groups it comes from may be the same."
        )
    return direction.detach()


def _at(activation: Tensor, pos: int | slice | None, direction: Tensor, hook: HookPoint) -> Tensor:
    """Return the positions to be edited, as a view (hooks are given a copy to edit)."""
    if activation.shape[-1] != len(direction):
        raise ValueError(
            f"A direction of {len(direction)} numbers was used at {hook.name}, whose activation "
            f"has shape {tuple(activation.shape)}; expected as many as its last axis.\n"
            "Take the direction from the hook at which it is used."
        )
    if pos is None:
        return activation
    if isinstance(pos, int):
        n_pos = activation.shape[1]
        if not -n_pos <= pos < n_pos:
            raise ValueError(
                f"pos={pos} was asked for at {hook.name}; there are {n_pos} positions, 0 to "
                f"{n_pos - 1}."
            )
    return activation[:, pos]
