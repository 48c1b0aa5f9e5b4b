"""Inside the student's process: habits worth mentioning, which cost no marks.

Only this process can see them, so that nothing it says about them could be trusted with a mark.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from autograder.frames import Frame
from autograder.values import flatten

HOOKS = ("edits", "records", "_forward_hooks", "_forward_pre_hooks", "_backward_hooks")


class Before:
    """How things stood before a call: the arguments as they were sent, and torch's switches."""

    def __init__(self, names: list[str], arguments: list[Any], sent: Frame) -> None:
        self.arguments = dict(zip(names, arguments, strict=True))
        self.trees = dict(zip(names, sent.tree["list"], strict=True))
        self.tensors = sent.tensors
        self.grad = torch.is_grad_enabled()
        self.dtype = torch.get_default_dtype()

    def advice(self) -> list[str]:
        """Return what has changed since, in sentences, and put the global switches back."""
        found = []
        for name, item in self.arguments.items():
            if not unchanged(item, self.trees[name], self.tensors):
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


def unchanged(item: Any, tree: Any, tensors: Mapping[str, Tensor]) -> bool:
    """Tell whether a value is still, to the bit, the one that this tree describes."""
    kind, content = next(iter(tree.items()))
    match kind:
        case "tensor":
            return isinstance(item, Tensor) and _same_bits(item, tensors[content])
        case "model":
            weights = dict(item.named_parameters())
            return all(_same_bits(weights[name], tensors[key]) for name, key in _weights(tree))
        case "dict":
            return list(item) == list(content) and all(
                unchanged(item[key], inner, tensors) for key, inner in content.items()
            )
        case "list" | "tuple":
            return len(item) == len(content) and all(
                unchanged(part, inner, tensors) for part, inner in zip(item, content, strict=True)
            )
        case "zoo":
            return True
    return flatten(item)[0] == tree


def _weights(tree: Any) -> list[tuple[str, str]]:
    return list(tree["weights"].items())


def _same_bits(tensor: Tensor, sent: Tensor) -> bool:
    if tensor.shape != sent.shape:
        return False
    if torch.equal(tensor, sent.to(tensor.dtype)):
        return True
    return torch.equal(_bits(tensor), _bits(sent.to(tensor.dtype)))  # NaN equals itself there


def _bits(tensor: Tensor) -> Tensor:
    return tensor.detach().reshape(-1).view(torch.uint8)


def _hooked(model: nn.Module) -> bool:
    return any(vars(module).get(held) for module in model.modules() for held in HOOKS)
