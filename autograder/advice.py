"""Habits worth mentioning, which cost no marks: what a call changed that it should not have.

Only the process in which the code runs can see them, so nothing that is said of them could be
trusted with a mark.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from autograder.values import flatten

HOOKS = ("edits", "records", "_forward_hooks", "_forward_pre_hooks", "_backward_hooks")


class Before:
    """How things stood before a call: torch's switches, and the arguments as they were stored.

    Args:
        arguments: what the call is given, by name.
        trees: by the same names, what `flatten` made of them.
        tensors: the tensors that the trees name.

    """

    def __init__(
        self,
        arguments: Mapping[str, Any],
        trees: Mapping[str, Any],
        tensors: Mapping[str, Tensor],
    ) -> None:
        self.arguments, self.trees, self.tensors = arguments, trees, tensors
        self.grad = torch.is_grad_enabled()
        self.dtype = torch.get_default_dtype()

    def advice(self) -> list[str]:
        """Return what has changed since, in sentences, and put the global switches back."""
        found = []
        for name, item in self.arguments.items():
            tree, hooked = self.trees[name], False
            if isinstance(item, nn.Module) and "model" in tree:
                weights, hooked = weights_and_hooks(item)
                same = _same_weights(weights, tree, self.tensors)
            else:
                same = unchanged(item, tree, self.tensors)
            if not same:
                found.append(f"The argument `{name}` was changed in place: work on a copy.")
            if hooked:
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
            return _same_weights(weights_and_hooks(item)[0], tree, tensors)
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


def weights_and_hooks(model: nn.Module, path: str = "") -> tuple[dict[str, Tensor], bool]:
    """Return a model's parameters by name, and whether any hook is on it, in one walk."""
    state = vars(model)
    weights = {f"{path}{name}": weight for name, weight in state["_parameters"].items()}
    hooked = any(map(state.get, HOOKS))
    for name, inner in state["_modules"].items():
        more, hooked_too = weights_and_hooks(inner, f"{path}{name}.")
        weights |= more
        hooked |= hooked_too
    return weights, hooked


def _same_weights(weights: Mapping[str, Tensor], tree: Any, tensors: Mapping[str, Tensor]) -> bool:
    return all(_same_bits(weights[name], tensors[key]) for name, key in tree["weights"].items())


def _same_bits(tensor: Tensor, sent: Tensor) -> bool:
    if tensor.dtype == sent.dtype and torch.equal(tensor, sent):  # also compares the shapes
        return True
    if tensor.shape != sent.shape:
        return False
    sent = sent.to(tensor.dtype)
    return torch.equal(tensor, sent) or torch.equal(_bits(tensor), _bits(sent))  # NaN is itself


def _bits(tensor: Tensor) -> Tensor:
    return tensor.detach().reshape(-1).view(torch.uint8)
