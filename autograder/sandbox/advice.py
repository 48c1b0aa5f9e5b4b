"""Inside the student's process: habits worth mentioning, which cost no marks.

Only this process can see them, so that nothing it says about them could be trusted with a mark.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from autograder.values import ValueCrossingError, flatten


class Before:
    """How things stood before a call: what its arguments held, gradient mode, default dtype."""

    def __init__(self, names: list[str], arguments: list[Any]) -> None:
        self.arguments = dict(zip(names, arguments, strict=True))
        self.contents = {name: _content(item) for name, item in self.arguments.items()}
        self.grad = torch.is_grad_enabled()
        self.dtype = torch.get_default_dtype()

    def advice(self) -> list[str]:
        """Return what has changed since, in sentences, and put the global switches back."""
        found = []
        for name, item in self.arguments.items():
            if _differ(self.contents[name], _content(item)):
                found.append(f"The argument `{name}` was changed in place: work on a copy.")
            if isinstance(item, nn.Module) and _hooked(item):
                found.append(
                    f"Hooks were left behind on `{name}`: use `with model.hooks(...)` or "
                    "`run_with_hooks`, which remove them."
                )
        if torch.is_grad_enabled() != self.grad:
            torch.set_grad_enabled(self.grad)
            found.append("Gradient mode was changed for all that follows: use `with no_grad():`.")
        if torch.get_default_dtype() != self.dtype:
            torch.set_default_dtype(self.dtype)
            found.append("torch's default dtype was changed for all that follows.")
        return found


Content = tuple[Any, dict[str, Tensor]] | None


def _content(item: Any) -> Content:
    try:
        return flatten(item)
    except ValueCrossingError:
        return None


def _differ(before: Content, after: Content) -> bool:
    if before is None or after is None:
        return before is not after
    if before[0] != after[0]:
        return True
    return any(not _same_bits(tensor, after[1][key]) for key, tensor in before[1].items())


def _same_bits(one: Tensor, other: Tensor) -> bool:
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    # Bits, so that NaN equals itself.
    return torch.equal(one.reshape(-1).view(torch.uint8), other.reshape(-1).view(torch.uint8))


def _hooked(model: nn.Module) -> bool:
    return any(
        getattr(module, "edits", None)
        or getattr(module, "records", None)
        or module._forward_hooks
        or module._forward_pre_hooks
        or module._backward_hooks
        for module in model.modules()
    )
