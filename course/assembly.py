"""Put a model together around weights that exist, without drawing others first.

`ToyTransformer(cfg)` followed by `load_state_dict` gives the same model. It draws numbers that are
thrown away and builds every module anew, and that takes most of the time where a small model is
wanted for one forward pass. Here one model of each kind is taken apart, once, into a pattern of
plain dicts, and others are copied from the pattern.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn

from course.config import (
    ACTIVATION_FUNCTIONS,
    NORMALIZATION_TYPES,
    POSITIONAL_EMBEDDING_TYPES,
    Config,
)
from course.hooks import HookPoint
from course.model import ToyTransformer

# Each size is another number, so that a parameter's shape in the pattern says what its axes are.
SIZES = {"n_ctx": 2, "d_model": 3, "d_head": 4, "n_heads": 5, "d_vocab": 6, "d_mlp": 7}
AXES = {size: name for name, size in SIZES.items()}


def with_weights(cfg: Config, weights: Mapping[str, Tensor]) -> ToyTransformer:
    """Return a model that holds copies of these weights, named as in `state_dict()`.

    Raises:
        ValueError: for a weight that the model lacks, that it does not get, or of another shape.

    """
    copying = Copying(cfg, weights)
    model = copying.module(pattern_of(kind_of(cfg)), "")
    if copying.left:
        raise ValueError(
            f"with_weights got {', '.join(sorted(copying.left))}, which the model does not have.\n"
            "The weights may be of a model with another Config."
        )
    model.cfg, model._points = cfg, copying.points
    return model


def kind_of(cfg: Config) -> Config:
    """Return the configuration of a pattern: the same parts in other sizes."""
    act_fn = None if cfg.attn_only else cfg.act_fn
    return kind(act_fn, cfg.normalization_type, cfg.positional_embedding_type)


def kind(act_fn: str | None, normalization_type: Any, positional_embedding_type: Any) -> Config:
    """Return the configuration of a pattern with these parts; without an `act_fn`, without MLPs."""
    return Config(
        **{**SIZES, "d_mlp": SIZES["d_mlp"] if act_fn else None},
        n_layers=1,
        attn_only=act_fn is None,
        act_fn=act_fn or "gelu",
        normalization_type=normalization_type,
        positional_embedding_type=positional_embedding_type,
    )


@dataclass(frozen=True)
class Pattern:
    """A module taken apart.

    Attributes:
        type: its class.
        state: its attributes.
        held: those that are dicts, lists or sets, of which every module has its own.
        sizes: those that are a number of the configuration, under its name there.
        axes: for each parameter the names of the sizes that make its shape.
        children: the modules inside it.

    """

    type: type[nn.Module]
    state: dict[str, Any]
    held: tuple[str, ...]
    sizes: tuple[str, ...]
    axes: dict[str, tuple[str, ...]]
    children: dict[str, Pattern]

    @classmethod
    def of(cls, module: nn.Module) -> Pattern:
        """Take a module apart, and those inside it."""
        state = vars(module)
        of_config = {field.name for field in dataclasses.fields(Config)}
        return cls(
            type(module),
            dict(state),
            tuple(name for name, value in state.items() if isinstance(value, dict | list | set)),
            tuple(name for name in of_config & set(state) if isinstance(state[name], int | float)),
            {
                name: tuple(AXES[size] for size in parameter.shape)
                for name, parameter in module.named_parameters(recurse=False)
            },
            {name: cls.of(child) for name, child in module.named_children()},
        )


def prepare() -> None:
    """Make the pattern of every kind of model now, for the sake of processes forked later."""
    for act_fn in (None, *ACTIVATION_FUNCTIONS):
        for parts in itertools.product(NORMALIZATION_TYPES, POSITIONAL_EMBEDDING_TYPES):
            pattern_of(kind(act_fn, *parts))


@lru_cache
def pattern_of(kind: Config) -> Pattern:
    """Return the pattern of all models of this kind, with one block to be copied for each layer."""
    return Pattern.of(ToyTransformer(kind))


class Copying:
    """The copy of one model: which weights are left, and the hook points so far."""

    def __init__(self, cfg: Config, weights: Mapping[str, Tensor]) -> None:
        self.cfg, self.left = cfg, dict(weights)
        self.dtype = getattr(torch, cfg.dtype)
        self.points: dict[str, HookPoint] = {}

    def module(self, pattern: Pattern, path: str) -> Any:
        """Return a new module whose parameters are copies of the weights given."""
        module = pattern.type.__new__(pattern.type)
        state = vars(module)
        state.update(pattern.state)
        for name in pattern.held:
            state[name] = pattern.state[name].copy()
        for name in pattern.sizes:
            state[name] = getattr(self.cfg, name)
        for name, axes in pattern.axes.items():
            state["_parameters"][name] = self.parameter(f"{path}{name}", axes)
        if isinstance(module, HookPoint):
            state["name"] = path[:-1]
            self.points[state["name"]] = module
        children = pattern.children
        if pattern.type is nn.ModuleList:
            children = {str(layer): children["0"] for layer in range(self.cfg.n_layers)}
        for name, child in children.items():
            state["_modules"][name] = self.module(child, f"{path}{name}.")
        return module

    def parameter(self, name: str, axes: tuple[str, ...]) -> nn.Parameter:
        """Return a copy of one weight, in the model's dtype."""
        given = self.left.pop(name, None)
        expected = tuple(getattr(self.cfg, axis) for axis in axes)
        if given is None or tuple(given.shape) != expected:
            got = "nothing" if given is None else f"a tensor of shape {tuple(given.shape)}"
            raise ValueError(
                f"with_weights got {got} for {name}; expected one of shape {expected}.\n"
                "The weights may be of a model with another Config."
            )
        same = given.dtype == self.dtype  # then a clone is quicker than `to(copy=True)`
        return nn.Parameter(given.clone() if same else given.to(self.dtype))
