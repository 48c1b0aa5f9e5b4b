"""Where in a model something is done: a hook, and of its activation a position, a head, or a unit.

Ablation, patching and their kin all replace an activation at a site by another value. What differs
is where the other value comes from. So sites, and the masks that say which numbers belong to one,
are here for all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from course.hooks import HookFunction, HookPoint
from course.model import ToyTransformer
from course.names import UnknownHookError

PER_HEAD = dict.fromkeys(("q", "k", "v", "rot_q", "rot_k", "z", "result"), ("pos", "head", "unit"))
PATTERNS = dict.fromkeys(("attn_scores", "pattern"), ("head", "pos", "unit"))
ELSEWHERE = ("pos", "unit")


@dataclass(frozen=True)
class Site:
    """A part of one activation; what is None is not narrowed down.

    Attributes:
        hook: the full name, such as `blocks.0.attn.hook_z`.
        pos: the position; of a pattern, the query's.
        head: the head, where the activation has heads.
        unit: the last axis: a neuron, a number of a vector; of a pattern, the key.

    """

    hook: str
    pos: int | None = None
    head: int | None = None
    unit: int | None = None

    @property
    def axes(self) -> tuple[str, ...]:
        """What the activation's axes after `batch` are called."""
        short = self.hook.rpartition(".")[2].removeprefix("hook_")
        return {**PER_HEAD, **PATTERNS}.get(short, ELSEWHERE)


@dataclass(frozen=True)
class Grid:
    """Sites in rows and columns, the last axis fastest."""

    axes: tuple[str, ...]
    shape: tuple[int, ...]
    sites: tuple[Site, ...]


def grid(model: ToyTransformer, name: str, axes: str, *, n_pos: int | None = None) -> Grid:
    """Return a site for every combination of what `axes` lists.

    `grid(model, "resid_pre", "layer pos", n_pos=9)` is the usual picture of a residual stream,
    `grid(model, "z", "layer head")` that of all heads.

    Args:
        model: the model they are sites of.
        name: a hook's shorthand, such as `z`; a full name where `layer` is not an axis.
        axes: some of `layer`, `pos`, `head` and `unit`, in the order wanted.
        n_pos: how many positions the sequences have, if `pos` is an axis.

    Raises:
        ValueError: for an axis that does not exist, or is not one of this activation.
        UnknownHookError: if there is no such hook.

    """
    names = tuple(axes.split())
    layered = "layer" in names
    hooks = [
        model.act_name(name, layer) for layer in (range(model.cfg.n_layers) if layered else [None])
    ]
    allowed = ("layer", *Site(hooks[0]).axes)
    if not names or len(set(names)) < len(names) or not set(names) <= set(allowed):
        raise ValueError(
            f"grid was given axes={axes!r} for {hooks[0]}; expected some of {', '.join(allowed)}, "
            "each once, with spaces between."
        )
    if "pos" in names and not n_pos:
        raise ValueError(
            f"grid was given axes={axes!r} with n_pos={n_pos}; expected the number of positions.\n"
            "It is that of the sequences: n_pos=tokens.shape[1]."
        )
    short = hooks[0].rpartition("hook_")[2]
    sizes = {"layer": len(hooks), "pos": n_pos or 0, "head": model.cfg.n_heads}
    sizes["unit"] = _units(model, short, n_pos) if "unit" in names else 0
    shape = tuple(sizes[axis] for axis in names)
    places = (dict(zip(names, index, strict=True)) for index in product(*map(range, shape)))
    return Grid(names, shape, tuple(Site(hooks[at.pop("layer", 0)], **at) for at in places))


def as_grid(sites: Grid | Site | Sequence[Site]) -> Grid:
    """Return the sites as a grid; a plain list of them has the one axis `site`.

    Raises:
        ValueError: if there are none.

    """
    if isinstance(sites, Site):
        sites = [sites]
    chosen = sites if isinstance(sites, Grid) else Grid(("site",), (len(sites),), tuple(sites))
    if not chosen.sites:
        raise ValueError("No sites were given; expected one at least.\nA filter may be too strict.")
    return chosen


def masks(sites: Sequence[Site], shape: Sequence[int]) -> Bool[Tensor, "site ..."]:
    """Return which numbers of an activation belong to each site, all of which are at one hook.

    Args:
        sites: sites that differ in position, head or unit, not in the hook.
        shape: the activation's, after `batch`.

    Returns:
        True for those that belong to it; an axis that no site narrows down has size 1.

    Raises:
        ValueError: for a place that the activation does not have.

    """
    axes = sites[0].axes
    mask = torch.ones(len(sites), *[1] * len(shape), dtype=torch.bool)
    for axis, (name, size) in enumerate(zip(axes, shape, strict=True)):
        places = [_place(site, name, size) for site in sites]
        if all(place is None for place in places):
            continue
        chosen = torch.tensor([-1 if place is None else place for place in places])[:, None]
        along = (chosen == torch.arange(size)) | (chosen < 0)
        mask = mask & along.view(len(sites), *[1] * axis, size, *[1] * (len(shape) - axis - 1))
    if "head" not in axes and any(site.head is not None for site in sites):
        raise ValueError(
            f"A site at {sites[0].hook} names a head; the activation has the axes "
            f"{', '.join(('batch', *axes))}.\nSites of heads are at hook_z, q, k, v or pattern."
        )
    return mask


def by_hook(sites: Iterable[Site]) -> dict[str, list[int]]:
    """Return, for each hook, which of the sites are there."""
    found: dict[str, list[int]] = {}
    for index, site in enumerate(sites):
        found.setdefault(site.hook, []).append(index)
    return found


def edits(
    sites: Sequence[Site], values: Mapping[str, Float[Tensor, "..."]]
) -> list[tuple[str, HookFunction]]:
    """Return hooks that write to all of the sites at once, for `model.hooks`.

    Args:
        sites: where to write.
        values: for each hook what to write there, of the activation's shape or one that broadcasts.

    """
    pairs = []
    for hook, indices in by_hook(sites).items():
        here, value = [sites[index] for index in indices], value_at(values, hook)

        def write(activation: Tensor, _: HookPoint, here=here, value=value) -> Tensor:
            mask = masks(here, activation.shape[1:]).any(dim=0).to(activation.device)
            return torch.where(mask, value, activation)

        pairs.append((hook, write))
    return pairs


def value_at(values: Mapping[str, Tensor], hook: str) -> Tensor:
    """Return what is to be written at a hook.

    Raises:
        UnknownHookError: if nothing is given for it.

    """
    if hook not in values:
        raise UnknownHookError(
            f"There is a site at {hook!r}, and no value for it among {', '.join(values)}.\n"
            "Sites carry full names; model.act_name('z', 0) gives one."
        )
    return values[hook]


def _place(site: Site, name: str, size: int) -> int | None:
    """Return where on an axis the site is, counted from 0."""
    place = getattr(site, name)
    if place is not None and not -size <= place < size:
        raise ValueError(
            f"{site} has {name}={place}; the activation has {size} along `{name}`, numbered 0 to "
            f"{size - 1}.\nIt may be a site of longer sequences or another model."
        )
    return None if place is None else place % size


def _units(model: ToyTransformer, short: str, n_pos: int | None) -> int:
    """Return the size of the last axis of an activation."""
    cfg = model.cfg
    if short in PATTERNS:
        if not n_pos:
            raise ValueError("grid needs n_pos for the keys of a pattern: n_pos=tokens.shape[1].")
        return n_pos
    if short in PER_HEAD and short != "result":
        return cfg.d_head
    return {"pre": cfg.d_mlp or 0, "post": cfg.d_mlp or 0, "scale": 1, "out": cfg.d_vocab}.get(
        short, cfg.d_model
    )
