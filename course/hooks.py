"""Reading and editing activations as they pass: hook points, and a module that has them.

Every activation goes through a `HookPoint`, an identity with a name. While nobody watches, it costs
next to nothing. A `HookedModule` finds its points by name, lets functions edit what passes, and
records what has passed. Names and calls are those of TransformerLens's `HookedRootModule`, with two
differences: a name that does not exist is an error wherever it is given, and an edit made in place
stays with the point it was made at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

from course.cache import ActivationCache
from course.names import UnknownHookError, find_name

__all__ = ["HookFunction", "HookPoint", "HookedModule", "Names", "UnknownHookError"]

HookFunction = Callable[[Tensor, "HookPoint"], Tensor | None]
Names = str | Sequence[str] | Callable[[str], bool]


class HookPoint(nn.Module):
    """Pass an activation on unchanged, unless a hook function edits it.

    torch's own `register_forward_hook` works here as well; what such a hook returns is used, but
    comes too late for the cache.

    Attributes:
        name: the full name in the model, such as `blocks.0.attn.hook_pattern`.
        on_demand: True for an activation that is computed only while somebody asks for it.

    """

    def __init__(self, *, on_demand: bool = False) -> None:
        super().__init__()
        self.name = ""
        self.on_demand = on_demand
        self.edits: list[HookFunction] = []
        self.records: list[dict[str, Tensor]] = []

    def forward(self, activation: Tensor) -> Tensor:
        """Return the activation after all edits, and note it in every record."""
        for edit in self.edits:
            activation = self._edited(activation, edit)
        for record in self.records:
            record[self.name] = activation
        return activation

    def is_used(self) -> bool:
        """Return whether anybody edits or reads what passes here."""
        return bool(self.edits or self.records or self._forward_hooks or self._forward_pre_hooks)

    def _edited(self, activation: Tensor, edit: HookFunction) -> Tensor:
        """Return what `edit` makes of a copy, so that editing in place cannot reach further back.

        Without the copy, an edit in place of `hook_resid_pre` would also change the cached
        `hook_resid_post` of the layer before, which is the same memory.
        """
        own = activation.clone()
        replacement = edit(own, self)
        if replacement is None:
            return own
        self._check(replacement, activation, edit)
        return replacement

    def _check(self, replacement: object, activation: Tensor, edit: HookFunction) -> None:
        """Refuse a replacement that could not stand where the activation stood."""
        who = f"The hook function {getattr(edit, '__name__', edit)!r} at {self.name}"
        expected = f"expected a tensor of shape {tuple(activation.shape)}, {activation.dtype}"
        if not isinstance(replacement, Tensor):
            raise TypeError(
                f"{who} returned {type(replacement).__name__}; {expected}, or None.\n"
                "Return the new activation, or edit the one given in place and return nothing."
            )
        if replacement.shape != activation.shape:
            raise ValueError(
                f"{who} returned a tensor of shape {tuple(replacement.shape)}; {expected}.\n"
                "A slice or an average may have dropped an axis: edit a part with "
                "`activation[:, 3] = ...` and return `activation`, or use keepdim=True and expand."
            )
        if replacement.dtype != activation.dtype:
            raise TypeError(
                f"{who} returned {replacement.dtype}; {expected}.\n"
                "The value may come from a model of another precision: "
                "return `value.to(activation.dtype)`."
            )


class HookedModule(nn.Module):
    """A module whose activations can be read and edited by name.

    A subclass calls `_name_hook_points()` at the end of its `__init__`, and creates its hook
    points in the order in which they fire.
    """

    def _name_hook_points(self) -> None:
        """Tell every hook point its name, and remember them in order."""
        self._points: dict[str, HookPoint] = {}
        for name, module in self.named_modules():
            if isinstance(module, HookPoint):
                module.name = name
                self._points[name] = module

    @property
    def hook_names(self) -> list[str]:
        """The names that fire in every forward pass, in order."""
        return [name for name, point in self._points.items() if not point.on_demand]

    @property
    def hook_names_on_demand(self) -> list[str]:
        """The names whose activations are computed only when asked for."""
        return [name for name, point in self._points.items() if point.on_demand]

    def act_name(self, name: str, layer: int | None = None, part: str | None = None) -> str:
        """Return the full name: `("pattern", 0)` is `blocks.0.attn.hook_pattern`.

        A negative layer counts from the last. `part` settles the names that a block has twice, as
        in `("scale", 0, "ln1")`.

        Raises:
            UnknownHookError: if no hook, or more than one, is meant.

        """
        return find_name(list(self._points), name, layer, part)

    @contextmanager
    def hooks(self, fwd_hooks: Iterable[tuple[Names, HookFunction]]) -> Iterator[HookedModule]:
        """Edit activations inside a `with` block; the hooks are gone when it ends, however it ends.

        Args:
            fwd_hooks: pairs of where and what. Where is a name, a list of names, or a function
                that says yes or no to a name. What is called as `fn(activation, hook)`, and
                returns the new activation, or None to keep the one it was given (and may have
                edited in place). Functions at one hook run in the order given.

        Raises:
            UnknownHookError: if a name does not exist, or a function says no to all of them.

        """
        chosen = [(self._choose(where), fn) for where, fn in _pairs(fwd_hooks)]
        for points, fn in chosen:
            for point in points:
                point.edits.append(fn)
        try:
            yield self
        finally:
            for points, fn in chosen:
                for point in points:
                    _remove(point.edits, fn)

    def run_with_hooks(
        self, *inputs: Any, fwd_hooks: Iterable[tuple[Names, HookFunction]]
    ) -> Tensor:
        """Return the output for these inputs while `fwd_hooks` (see `hooks`) edit activations."""
        with self.hooks(fwd_hooks):
            return self(*inputs)

    def run_with_cache(
        self, *inputs: Any, names: Names | None = None
    ) -> tuple[Tensor, ActivationCache]:
        """Return the output, and the activations it was computed from.

        Nothing is copied, and nothing is detached: under `torch.no_grad()` the cache holds its
        tensors and no more; with gradients on, it holds the graph too. Edits by hooks that are
        active during the call have been made in what is cached.

        Args:
            inputs: what the module itself takes.
            names: which activations: a name, a list of names, or a function that says yes or no to
                a name. None for all of `hook_names`.

        Raises:
            UnknownHookError: if a name does not exist, or a function says no to all of them.

        """
        points = self._choose(self.hook_names if names is None else names)
        record: dict[str, Tensor] = {}
        for point in points:
            point.records.append(record)
        try:
            output = self(*inputs)
        finally:
            for point in points:
                _remove(point.records, record)
        return output, ActivationCache(record, known=tuple(self._points))

    def _choose(self, where: Names) -> list[HookPoint]:
        """Return the hook points that `where` means, or raise UnknownHookError."""
        if callable(where):
            names = [name for name in self._points if where(name)]
            if not names:
                raise UnknownHookError(
                    f"The function {getattr(where, '__name__', where)!r} said no to all "
                    f"{len(self._points)} hook names, from {next(iter(self._points))} to "
                    f"{list(self._points)[-1]}.\nPrint model.hook_names to see them all."
                )
        else:
            names = [where] if isinstance(where, str) else list(where)
        for name in names:
            if name not in self._points:
                raise UnknownHookError.for_name(name, list(self._points))
        return [self._points[name] for name in names]


def _pairs(
    fwd_hooks: Iterable[tuple[Names, HookFunction]],
) -> list[tuple[Names, HookFunction]]:
    """Return the (where, function) pairs, or say which entry is not one."""
    pairs = list(fwd_hooks)
    for pair in pairs:
        if not (isinstance(pair, tuple) and len(pair) == 2 and callable(pair[1])):
            raise TypeError(
                f"fwd_hooks holds {pair!r}; expected pairs (name, function).\n"
                "A single pair needs its list too: fwd_hooks=[(name, function)]."
            )
    return pairs


def _remove(items: list, item: object) -> None:
    """Remove the last entry that is this very object (tensors do not compare with ==)."""
    for index in reversed(range(len(items))):
        if items[index] is item:
            del items[index]
            return
