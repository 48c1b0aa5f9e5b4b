"""Inside the student's process: habits worth mentioning, which cost no marks.

Only this process can see them, so that nothing it says about them could be trusted with a mark.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from autograder.values import ValueCrossingError, flatten

HOOKS = ("edits", "records", "_forward_hooks", "_forward_pre_hooks", "_backward_hooks")


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
            if self.contents[name] != _content(item):
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


Content = tuple[Any, list[Any]] | None


def _content(item: Any) -> Content:
    """Return a value's structure and the bits of its tensors, or None for what has none."""
    if isinstance(item, nn.Module):
        return None, [
            (place, name, _bits(parameter))
            for place, module in enumerate(item.modules())
            for name, parameter in module._parameters.items()
        ]
    try:
        tree, tensors = flatten(item)
    except ValueCrossingError:
        return None
    return tree, [(key, _bits(tensor)) for key, tensor in tensors.items()]


def _bits(tensor: Tensor | None) -> Any:
    """Return shape, dtype and bits, so that NaN equals itself; no clone, which costs far more."""
    if tensor is None:
        return None
    plain = tensor.detach().resolve_conj().resolve_neg()
    if plain.dtype == torch.bfloat16:  # numpy has no such type
        plain = plain.view(torch.int16)
    return plain.shape, tensor.dtype, plain.numpy().tobytes()


def _hooked(model: nn.Module) -> bool:
    return any(vars(module).get(held) for module in model.modules() for held in HOOKS)
