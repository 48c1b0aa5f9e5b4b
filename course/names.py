"""The names of hook points: full names, the shorthand for them, and what was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

_PARTS = {"a": "attn", "m": "mlp", "b": "", "": ""}


class UnknownHookError(KeyError):
    """Raised when a hook name does not exist; its text names the near matches."""

    def __str__(self) -> str:
        # KeyError would show the quoted repr, line breaks and all.
        return str(self.args[0]) if self.args else ""

    @classmethod
    def for_name(cls, name: object, known: Sequence[str]) -> UnknownHookError:
        """Return the error for a full name that is not among the known ones."""
        if not isinstance(name, str):
            return cls(
                f"A hook name was given as {name!r}; expected a full name such as {known[0]!r}, "
                "a list of names, or a function of a name.\n"
                "model.act_name('pattern', 0) turns a shorthand into a full name."
            )
        near = near_names(name, known)
        means = f"Did you mean {' or '.join(map(repr, near))}?" if near else "No name is close."
        return cls(
            f"Unknown hook name {name!r}. {means}\n"
            "model.hook_names lists them all; to choose several by a part of the name, give a "
            "function: lambda name: name.endswith('hook_pattern')."
        )


def near_names(name: str, known: Sequence[str], count: int = 3) -> list[str]:
    """Return up to `count` known names that the given one was probably meant to be."""
    containing = [other for other in known if name in other]
    return (containing or difflib.get_close_matches(name, known, n=count, cutoff=0.6))[:count]


def find_name(
    known: Sequence[str], name: str, layer: int | None = None, part: str | None = None
) -> str:
    """Return the one known name that a shorthand means.

    `("pattern", 0)` is `blocks.0.attn.hook_pattern`, `("scale", -1, "ln2")` the second
    LayerNorm's scale in the last block, `("embed",)` is `hook_embed`. A full name is itself.
    Follows TransformerLens's `get_act_name`.

    Raises:
        UnknownHookError: if no name or more than one fits.

    """
    if layer is None and part is None and name in known:
        return name
    n_layers = len({other.split(".")[1] for other in known if other.startswith("blocks.")})
    if layer is not None and not -n_layers <= layer < n_layers:
        raise UnknownHookError(
            f"The shorthand {(name, layer)} names layer {layer}; the model has {n_layers} layers, "
            f"numbered 0 to {n_layers - 1} (or -1, the last, to {-n_layers})."
        )
    prefix = "" if layer is None else f"blocks.{layer % n_layers}."
    part = _PARTS.get(part or "", part)
    fits = [other for other in known if _fits(other, name, prefix, part)]
    if len(fits) == 1:
        return fits[0]
    given = (name, layer, part) if part else (name, layer) if layer is not None else (name,)
    if fits:
        raise UnknownHookError(
            f"The shorthand {given} could be {' or '.join(map(repr, fits))}.\n"
            f"Say which: ({name!r}, {layer}, {fits[0].split('.')[-2]!r})."
        )
    near = [other for other in known if other.endswith(f"hook_{name}")] or near_names(
        f"{prefix}hook_{name}", known
    )
    means = f" Did you mean {' or '.join(map(repr, near[:3]))}?" if near else ""
    raise UnknownHookError(
        f"No hook fits the shorthand {given}.{means}\n"
        "A shorthand is (name without 'hook_', layer): ('pattern', 0), ('scale', 0, 'ln1')."
    )


def _fits(full: str, name: str, prefix: str, part: str | None) -> bool:
    """Return whether a full name is one that the shorthand's pieces could mean."""
    *path, last = full.removeprefix(prefix).split(".")
    in_scope = full.startswith(prefix) if prefix else not full.startswith("blocks.")
    return in_scope and last == f"hook_{name}" and (not part or part in path)
