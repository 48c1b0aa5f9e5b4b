"""Do something at every site in turn, each for itself, in a few forward passes.

A loop over 256 sites runs the model 256 times, each time on a handful of sequences, and most of the
time goes into calling. Here the copies are rows of one batch: the sequences are repeated once for
each site, and the hook at a site writes to the rows of its own copy alone. Nothing else in a
transformer reaches from row to row, so each copy is what a run of its own would have given. Blocks
before the first site in a batch are not run again: every row would get what the base run got.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor
from tqdm.auto import tqdm

from course.hooks import HookFunction, HookPoint, Names
from course.intervals import Interval, bootstrap
from course.metrics import Metric, measured
from course.model import ToyTransformer
from course.sites import Grid, Site, as_grid, by_hook, masks, value_at

# Unless `rows` says otherwise, a pass has as many rows as keep its largest activation within this
# many numbers, which stay in a processor's cache; and a few, to share the reading of weights.
NUMBERS, LEAST_ROWS = 2**19, 8


@dataclass(frozen=True)
class Effects:
    """What a metric says with something done at each site, beside what it says without.

    Attributes:
        sites: where; the leading axes of `values` are its axes.
        values: (... batch), the metric with the site changed.
        base: (batch), the metric of the run in which nothing is changed.

    """

    sites: Grid
    values: Float[Tensor, "... batch"]
    base: Float[Tensor, "batch"]

    @property
    def effect(self) -> Float[Tensor, "... batch"]:
        """How much the metric rises, for each sequence, in its own unit."""
        return self.values - self.base

    @property
    def mean(self) -> Float[Tensor, "..."]:
        """How much the metric rises on average over the sequences."""
        return self.effect.mean(dim=-1)

    def interval(self, *index: int, **options: float) -> Interval:
        """Return the mean effect at one site with n and its interval (see `bootstrap`)."""
        return bootstrap(self.effect[index], **options)  # pyright: ignore[reportArgumentType]


@torch.no_grad()
def sweep(
    model: ToyTransformer,
    tokens: Int[Tensor, "batch pos"],
    sites: Grid | Site | Sequence[Site],
    values: Mapping[str, Float[Tensor, "..."]],
    metric: Metric,
    *,
    frozen: Names | None = None,
    rows: int | None = None,
    progress: bool = False,
) -> Effects:
    """Measure the metric with each site replaced by its value, one site at a time.

    Args:
        model: it is not changed.
        tokens: the base run's.
        sites: where to write, each for itself.
        values: for each hook what is written, of the activation's shape or one that broadcasts.
        metric: from logits to one number for each sequence.
        frozen: hooks that are held at what they are in the base run, such as all patterns.
        rows: how many rows a forward pass has at most; by default as many as suit a
            processor's cache.
        progress: whether to show a bar.

    Raises:
        ValueError: for no sites, places that do not exist, values of another shape, or NaN.
        UnknownHookError: for a hook that the model or `values` lacks.

    """
    chosen = as_grid(sites)
    held = {} if frozen is None else model.run_with_cache(tokens, names=frozen)[1]
    starts = [f"blocks.{layer}.hook_resid_pre" for layer in range(model.cfg.n_layers)]
    recorded = list(dict.fromkeys([*starts, *by_hook(chosen.sites)]))
    logits, base = model.run_with_cache(tokens, names=recorded)
    for hook in by_hook(chosen.sites):
        check_value(value_at(values, hook), base[hook], hook)
    parts: dict[int, Tensor] = {}
    for indices in passes(chosen.sites, tokens, model, rows, progress=progress):
        here = [chosen.sites[index] for index in indices]
        hooks = [*hold(held, len(here)), *writes(here, values, len(tokens))]
        with model.hooks(hooks):
            out = run_from(model, tokens, base, len(here), first_layer(here))
        for index, copy in zip(indices, out.unflatten(0, (len(here), -1)), strict=True):
            parts[index] = measured(metric, copy)
    stacked = torch.stack([parts[index] for index in range(len(parts))])
    return Effects(chosen, stacked.view(*chosen.shape, -1), measured(metric, logits))


def passes(
    sites: Sequence[Site],
    tokens: Int[Tensor, "batch pos"],
    model: ToyTransformer,
    rows: int | None = None,
    *,
    progress: bool = False,
) -> Iterator[list[int]]:
    """Yield which sites go into each forward pass, those of early layers first.

    Raises:
        ValueError: if there are no tokens, or `rows` is below 1.

    """
    if tokens.ndim != 2 or not tokens.numel() or (rows is not None and rows < 1):
        raise ValueError(
            f"A sweep was given tokens of shape {tuple(tokens.shape)} and rows={rows}; expected "
            "(batch, pos) with something in it, and rows of at least 1.\n"
            "A filter may have left no sequence."
        )
    cfg = model.cfg
    widest = max(cfg.d_vocab, cfg.d_mlp or 0, cfg.d_model, cfg.n_heads * tokens.shape[1])
    rows = rows or max(LEAST_ROWS, NUMBERS // (widest * tokens.shape[1]))
    size = max(1, rows // len(tokens))
    order = sorted(range(len(sites)), key=lambda index: first_layer([sites[index]]))
    bar = tqdm(total=len(sites), unit="site", disable=not progress)
    with bar if progress else nullcontext():
        for start in range(0, len(order), size):
            yield order[start : start + size]
            bar.update(min(size, len(order) - start))


def writes(
    sites: Sequence[Site], values: Mapping[str, Tensor], batch: int
) -> list[tuple[str, HookFunction]]:
    """Return hooks that write to each site in the rows of its own copy, and in no others."""
    pairs = []
    for hook, copies in by_hook(sites).items():
        here, value = [sites[copy] for copy in copies], value_at(values, hook)

        def write(activation: Tensor, _: HookPoint, here=here, copies=copies, value=value) -> None:
            mask = masks(here, activation.shape[1:])[:, None].to(activation.device)
            own = activation.unflatten(0, (-1, batch))  # (copy batch ...), the same memory
            own[copies] = torch.where(mask, value, own[copies])

        pairs.append((hook, write))
    return pairs


def hold(base: Mapping[str, Tensor], copies: int) -> list[tuple[str, HookFunction]]:
    """Return hooks that keep these activations at what they are in the base run, in every copy."""

    def keep(activation: Tensor, hook: HookPoint) -> Tensor:
        return base[hook.name].expand(copies, *base[hook.name].shape).reshape(activation.shape)

    return [(name, keep) for name in base]


def run_from(
    model: ToyTransformer,
    tokens: Int[Tensor, "batch pos"],
    base: Mapping[str, Float[Tensor, "..."]],
    copies: int,
    layer: int,
) -> Float[Tensor, "row pos d_vocab"]:
    """Run copies of the sequences, from a block on; what comes before it is the base run's."""
    if layer == 0:
        return model(tokens.repeat(copies, 1))
    x = base[f"blocks.{layer}.hook_resid_pre"].repeat(copies, 1, 1)
    for block in model.blocks[layer:]:
        x = block(x)
    return model.unembed(model.ln_final(x))


def first_layer(sites: Sequence[Site]) -> int:
    """Return the first block that has to be run; 0 for all of the model."""
    blocks = [site.hook.split(".")[1] for site in sites if site.hook.startswith("blocks.")]
    return min(map(int, blocks)) if len(blocks) == len(sites) else 0


def check_value(value: Tensor, activation: Tensor, hook: str) -> None:
    """Raise ValueError unless a value can stand where the activation stands."""
    try:
        fits = torch.broadcast_shapes(value.shape, activation.shape) == activation.shape
    except RuntimeError:
        fits = False
    if not fits or value.dtype != activation.dtype:
        raise ValueError(
            f"The value for {hook} has shape {tuple(value.shape)}, {value.dtype}; expected one "
            f"that broadcasts to {tuple(activation.shape)}, {activation.dtype}.\n"
            "The two runs may differ in the number of sequences or positions."
        )
    if value.isnan().any():
        raise ValueError(f"The value for {hook} contains NaN; expected numbers.")
