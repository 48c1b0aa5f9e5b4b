"""What a forward pass left behind: a read-only mapping from hook names to activations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from course.names import UnknownHookError, find_name

Key = str | tuple[str] | tuple[str, int] | tuple[str, int, str]


class ActivationCache(Mapping[str, Tensor]):
    """The activations of one forward pass, by full name or by shorthand.

    `cache["blocks.0.attn.hook_pattern"]` and `cache["pattern", 0]` are the same tensor. Iterating
    goes through full names in the order in which they fired.

    The tensors are those of the forward pass, not copies. Hooks cannot change what is stored here,
    not even in place; but neighbours such as `resid_post` of one block and `resid_pre` of the next
    are one tensor, so clone before you change a stored activation yourself.
    """

    def __init__(self, activations: Mapping[str, Tensor], known: tuple[str, ...] = ()) -> None:
        """Wrap activations; `known` are all names of the model, for what shorthands can mean."""
        self._activations = dict(activations)
        self._known = known or tuple(self._activations)

    def __getitem__(self, key: Key) -> Tensor:
        if isinstance(key, str) and key in self._activations:
            return self._activations[key]
        shorthand: tuple[Any, ...] = (key,) if isinstance(key, str) else key
        name = find_name(self._known, *shorthand)
        if name not in self._activations:
            raise UnknownHookError(
                f"{name!r} is a hook of this model, but is not in this cache, which holds "
                f"{len(self)} of {len(self._known)} names: {_some(list(self))}.\n"
                f"Ask for it: run_with_cache(tokens, names=[{name!r}, ...])."
            )
        return self._activations[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._activations)

    def __len__(self) -> int:
        return len(self._activations)

    def __contains__(self, key: object) -> bool:
        try:
            self[key]  # type: ignore[index]
        except (KeyError, TypeError):
            return False
        return True

    def __repr__(self) -> str:
        lines = [f"  {name}: {tuple(value.shape)}" for name, value in self.items()]
        return "\n".join([f"ActivationCache of {len(self)} activations:", *lines])

    def stack_activation(self, name: str, part: str | None = None) -> Tensor:
        """Return one activation of every layer, stacked along a new first axis `layer`.

        `cache.stack_activation("pattern")` has shape (layer batch head query key).
        """
        layers = {full.split(".")[1] for full in self._known if full.startswith("blocks.")}
        names = [find_name(self._known, name, layer, part) for layer in range(len(layers))]
        return torch.stack([self[full] for full in names])


def _some(names: list[str], count: int = 4) -> str:
    """Return the first few names, and how many more there are."""
    more = f" and {len(names) - count} more" if len(names) > count else ""
    return ", ".join(names[:count]) + more
