"""Put a model together around weights that exist, without drawing others first.

`ToyTransformer(cfg)` followed by `load_state_dict` gives the same model. It draws numbers that are
thrown away and builds every block anew, and that takes most of the time where a small model is
wanted for one forward pass. Here the first block is built and the others are twins of it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TypeVar

import torch
from torch import Tensor, nn

from course.config import Config
from course.model import ToyTransformer

Part = TypeVar("Part", bound=nn.Module)


def with_weights(cfg: Config, weights: Mapping[str, Tensor]) -> ToyTransformer:
    """Return a model that holds copies of these weights, named as in `state_dict()`.

    Raises:
        ValueError: for a weight that the model lacks, that it does not get, or of another shape.

    """
    model = ToyTransformer.__new__(ToyTransformer)
    nn.Module.__init__(model)
    model._assemble(dataclasses.replace(cfg, n_layers=1))
    model.cfg = cfg
    first = model.blocks[0]
    model.blocks.extend(twin(first) for _ in range(cfg.n_layers - 1))
    model._name_hook_points()
    _fill(model, weights)
    return model


def twin(part: Part) -> Part:
    """Return a copy of a module and of those inside it, which shares their parameters."""
    other = part.__class__.__new__(part.__class__)
    state = {
        name: held.copy() if isinstance(held, dict | list | set) else held
        for name, held in vars(part).items()
    }
    inside = part._modules.items()
    state["_modules"] = {name: twin(child) for name, child in inside if child is not None}
    vars(other).update(state)
    return other


def _fill(model: ToyTransformer, weights: Mapping[str, Tensor]) -> None:
    """Put copies of the weights in the place of the parameters, in the model's dtype."""
    dtype = getattr(torch, model.cfg.dtype)
    left = dict(weights)
    for path, module in model.named_modules():
        for name, parameter in module._parameters.items():
            full = f"{path}.{name}"
            given = left.pop(full, None)
            expected = tuple(parameter.shape) if parameter is not None else None
            if given is None or tuple(given.shape) != expected:
                got = "nothing" if given is None else f"a tensor of shape {tuple(given.shape)}"
                raise ValueError(
                    f"with_weights got {got} for {full}; expected one of shape {expected}.\n"
                    "The weights may be of a model with another Config."
                )
            module._parameters[name] = nn.Parameter(given.to(dtype, copy=True))
    if left:
        raise ValueError(
            f"with_weights got {', '.join(sorted(left))}, which the model does not have.\n"
            "The weights may be of a model with another Config."
        )
