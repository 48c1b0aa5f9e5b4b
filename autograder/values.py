"""The values that an exercise may take and return, as a JSON tree beside named tensors.

One form serves the references, the hidden bank and the frames that cross to the student's process.
There is no pickle: reading a tree can build plain values and tensors, and nothing else. Models go
to the student's side only (`trusted=True`); they never come back.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

MAX_DEPTH = 8
MAX_NODES = 10_000
# Numbers can be chosen so that all hash alike, and then a set takes quadratic time to build.
MAX_SET = 1000
MAX_INT_BITS = 256
MAX_TEXT = 100_000
DTYPES = (
    torch.float64,
    torch.float32,
    torch.float16,
    torch.bfloat16,
    torch.int64,
    torch.int32,
    torch.int16,
    torch.int8,
    torch.uint8,
    torch.bool,
    torch.complex64,
    torch.complex128,
)


class ValueCrossingError(ValueError):
    """A value that may not cross between the grader and the student's code."""


@dataclass(frozen=True)
class Zoo:
    """A shipped model by name: the reader loads it, and refuses another version of its weights."""

    name: str
    sha256: str

    @classmethod
    def named(cls, name: str) -> Zoo:
        """Point at the shipped model `name` as it is now."""
        from course import zoo

        return cls(name, zoo.sha256(name))

    def load(self):
        """Return the model; raise ValueError when the weights are of another version."""
        from course import zoo

        found = zoo.sha256(self.name)
        if found != self.sha256:
            raise ValueError(
                f"the weights of {self.name!r} have sha256 {found[:12]}, not {self.sha256[:12]}: "
                "course and references are of different versions; install them together"
            )
        return zoo.load(self.name)


@dataclass(frozen=True)
class Packed:
    """A value that is already flat: it goes into a larger one without being rebuilt first."""

    tree: Any
    tensors: Mapping[str, Tensor]


def flatten(value: Any) -> tuple[Any, dict[str, Tensor]]:
    """Split a value into a JSON tree and its tensors, or raise ValueCrossingError."""
    tensors: dict[str, Tensor] = {}
    count = 0

    def tree(node: Any, depth: int) -> Any:
        nonlocal count
        count += 1
        if depth > MAX_DEPTH or count > MAX_NODES:
            raise ValueCrossingError(
                f"a value nested more than {MAX_DEPTH} deep or with more than {MAX_NODES} parts "
                "cannot be graded; return a tensor instead of nested lists"
            )
        if isinstance(node, Packed):
            return _adopt(node, tensors)
        if isinstance(node, np.generic):  # what numpy's indexing gives: np.int64, np.float32
            node = node.item()
        if isinstance(node, Tensor):
            return {"tensor": _keep(node, tensors)}
        if node is None or isinstance(node, bool):
            return {"value": node}
        if isinstance(node, int):
            return _integer(int(node))
        if isinstance(node, float):
            return {"float": float(node).hex()}
        if isinstance(node, str):
            return _text(str(node))
        return _container(node, depth, tree) or _model(node, tensors) or _refuse(node)

    return tree(value, 0), tensors


def unflatten(tree: Any, tensors: Mapping[str, Tensor], *, trusted: bool) -> Any:
    """Rebuild the value; with `trusted=False` a model or zoo reference is refused.

    Raises:
        ValueCrossingError: the tree is not of the form that `flatten` gives.

    """
    count = 0
    named: set[str] = set()

    def value(node: Any, depth: int) -> Any:
        nonlocal count
        count += 1
        if depth > MAX_DEPTH or count > MAX_NODES:
            raise ValueCrossingError("the answer is nested too deeply or has too many parts")
        if not isinstance(node, dict) or not node:
            raise ValueCrossingError("the answer is not of the form that an answer has")
        kind, content = next(iter(node.items()))
        if kind == "tensor" and isinstance(content, str):
            # Named twice it would be copied twice: a small frame could fill the memory.
            if content in named:
                raise ValueCrossingError("the answer names one tensor more than once")
            named.add(content)
        if trusted and kind == "model":
            return _rebuild_model(node, tensors)
        if trusted and kind == "zoo":
            return Zoo(content, node["sha256"]).load()
        if len(node) != 1:
            raise ValueCrossingError("the answer is not of the form that an answer has")
        return _leaf(kind, content, tensors, lambda inner: value(inner, depth + 1))

    return value(tree, 0)


def renamed(tree: Any, rename: Callable[[str], str]) -> Any:
    """Return a tree in which every tensor goes by another name, so that trees can share them."""
    if isinstance(tree, list):
        return [renamed(item, rename) for item in tree]
    if not isinstance(tree, dict):
        return tree
    other = {}
    for kind, content in tree.items():
        if kind == "tensor":
            other[kind] = rename(content)
        elif kind == "weights":
            other[kind] = {name: rename(key) for name, key in content.items()}
        elif kind == "dict":
            other[kind] = {key: renamed(item, rename) for key, item in content.items()}
        else:
            other[kind] = renamed(content, rename) if kind != "model" else content
    return other


def _adopt(packed: Packed, tensors: dict[str, Tensor]) -> Any:
    def rename(key: str) -> str:
        name = str(len(tensors))
        tensors[name] = packed.tensors[key]
        return name

    return renamed(packed.tree, rename)


def _keep(tensor: Tensor, tensors: dict[str, Tensor]) -> str:
    if tensor.layout != torch.strided or tensor.device.type != "cpu" or tensor.dtype not in DTYPES:
        raise ValueCrossingError(
            f"a {tensor.dtype} tensor of layout {tensor.layout} on {tensor.device.type} cannot be "
            "graded; return an ordinary dense tensor on the CPU"
        )
    key = str(len(tensors))
    # A subclass of Tensor may redefine any operation: take its numbers without asking it.
    with torch._C.DisableTorchFunctionSubclass():
        plain = tensor.detach().as_subclass(Tensor).resolve_conj().resolve_neg()
    # A clone, so that two views of one storage arrive as two tensors.
    tensors[key] = plain.clone(memory_format=torch.contiguous_format)
    return key


def _integer(number: int) -> dict[str, int]:
    if number.bit_length() > MAX_INT_BITS:
        raise ValueCrossingError(f"an int of {number.bit_length()} bits cannot be graded")
    return {"value": number}


def _text(text: str) -> dict[str, str]:
    if len(text) > MAX_TEXT:
        raise ValueCrossingError(f"a str of {len(text)} characters cannot be graded")
    return {"value": text}


def _container(node: Any, depth: int, tree) -> dict[str, Any] | None:
    if isinstance(node, dict):
        if not all(isinstance(key, str) for key in node):
            raise ValueCrossingError("a dict that is returned must have str keys")
        return {"dict": {str(key): tree(item, depth + 1) for key, item in node.items()}}
    if isinstance(node, set | frozenset):
        if len(node) > MAX_SET:
            raise ValueCrossingError(f"a set of {len(node)} elements cannot be graded")
        items = [_plain(item) for item in node]
        return {"set": [tree(item, depth + 1) for item in _in_order(items)]}
    for kind in (tuple, list):
        if isinstance(node, kind):
            return {kind.__name__: [tree(item, depth + 1) for item in node]}
    return None


def _plain(item: Any) -> Any:
    """Return an element of a set, scalar tensors as numbers; refuse what is not a plain value."""
    if isinstance(item, tuple):
        return tuple(map(_plain, item))
    if isinstance(item, np.generic) or (isinstance(item, Tensor) and item.ndim == 0):
        return item.item()
    if item is None or isinstance(item, bool | int | float | str):
        return item
    raise ValueCrossingError(
        f"a set that is returned holds numbers, text or tuples of them, not {type(item).__name__}"
    )


def _in_order(items: list) -> list:
    try:
        return sorted(items)
    except TypeError:
        return sorted(items, key=repr)


def _model(node: Any, tensors: dict[str, Tensor]) -> dict[str, Any] | None:
    from course import ToyTransformer

    if isinstance(node, Zoo):
        return {"zoo": node.name, "sha256": node.sha256}
    if not isinstance(node, ToyTransformer):
        return None
    weights = {name: _keep(weight, tensors) for name, weight in node.state_dict().items()}
    return {"model": node.cfg.to_dict(), "weights": weights}


def _refuse(node: Any):
    kind = type(node).__name__
    likely = {
        "ndarray": "; a numpy array becomes a tensor with torch.as_tensor(...)",
        "function": "; call the function and return what it gives",
        "generator": "; collect what it yields with list(...) or torch.stack(...)",
    }.get(kind, "")
    raise ValueCrossingError(
        f"a value of type {kind} cannot be graded: return tensors, numbers, text, None, or lists, "
        f"tuples, dicts and sets of them{likely}"
    )


def _rebuild_model(node: dict, tensors: Mapping[str, Tensor]):
    from course import Config
    from course.assembly import with_weights

    weights = {name: tensors[key] for name, key in node["weights"].items()}
    return with_weights(Config.from_dict(node["model"]), weights)


def _leaf(kind: str, content: Any, tensors: Mapping[str, Tensor], value) -> Any:
    try:
        match kind:
            case "tensor":
                return tensors[content].clone()
            case "float":
                return float.fromhex(content)
            case "value" if content is None or isinstance(content, bool | int | str):
                return _within_bounds(content)
            case "dict":
                return {str(key): value(item) for key, item in content.items()}
            case "list":
                return [value(item) for item in content]
            case "tuple":
                return tuple(value(item) for item in content)
            case "set" if len(content) <= MAX_SET:
                return {_plain(value(item)) for item in content}
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
        if isinstance(error, ValueCrossingError):
            raise
        raise ValueCrossingError("the answer is not of the form that an answer has") from error
    raise ValueCrossingError("the answer is not of the form that an answer has")


def _within_bounds(content: Any) -> Any:
    if isinstance(content, int):
        _integer(content)
    elif isinstance(content, str):
        _text(content)
    return content


def to_double(value: Any) -> Any:
    """Return the value with every floating tensor and model in float64, for reference answers."""
    from course import ToyTransformer

    if isinstance(value, Tensor):
        return value.double() if value.is_floating_point() else value.clone()
    if isinstance(value, ToyTransformer):
        return rebuilt(value).double()
    if isinstance(value, Zoo):
        return value.load().double()
    if isinstance(value, dict):
        return {key: to_double(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(to_double(item) for item in value)
    return value


def rebuilt(value: Any) -> Any:
    """Return a copy that shares nothing with the original: each call of an answer gets its own."""
    tree, tensors = flatten(value)
    return unflatten(tree, tensors, trusted=True)


def scale(tensor: Tensor) -> float:
    """Return the largest finite magnitude in a tensor, at least the smallest normal float."""
    largest = float(tensor.abs().max()) if tensor.numel() else 0.0
    if not math.isfinite(largest):
        finite = tensor[torch.isfinite(tensor)].abs()
        largest = float(finite.max()) if finite.numel() else 0.0
    return max(largest, math.ulp(0.0))
