"""Ablation: put something else in a part's place, and see what is lost.

What it is replaced by is part of the question. *Zero* is a value that the rest of the model may
never have met; a part that adds the same vector everywhere is then missed although it carries no
information. The *mean* over many inputs keeps what is the same everywhere and takes away what
differs. *Resampling*, the activation on another input, also keeps the spread: it leaves the rest of
the model with what it is used to, but brings in what the other input says.

Sources: Wang et al., "Interpretability in the Wild" (2022), for the mean; Chan et al., "Causal
Scrubbing" (2022), for resampling; Li & Janson, "Optimal ablation for interpretability" (2024), for
how much the choice matters.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor
from tqdm.auto import tqdm

from course.hooks import Names
from course.metrics import Metric
from course.model import ToyTransformer
from course.sites import Grid, Site, as_grid, by_hook
from course.sweeps import Effects, sweep


def ablate(
    model: ToyTransformer,
    tokens: Int[Tensor, "batch pos"],
    sites: Grid | Site | Sequence[Site],
    metric: Metric,
    values: Mapping[str, Float[Tensor, "..."]] | None = None,
    **options,
) -> Effects:
    """Measure the metric with each site in turn replaced.

    To replace several at once, for the rest of a circuit say, use
    `model.hooks(edits(sites, values))`.

    Args:
        model: it is not changed.
        tokens: what it runs on.
        sites: where, each for itself: `grid(model, "z", "layer head")` are all heads.
        metric: from logits to one number for each sequence.
        values: `mean_values`, `resampled_values`, or zero when None.
        options: those of `sweep`.

    Returns:
        The metric with each site ablated; `effect` is negative where the site helped.

    """
    chosen = as_grid(sites)
    values = zero_values(model, by_hook(chosen.sites)) if values is None else values
    return sweep(model, tokens, chosen, values, metric, **options)


def zero_values(model: ToyTransformer, names: Iterable[str]) -> dict[str, Float[Tensor, ""]]:
    """Return a zero for each hook."""
    return dict.fromkeys(names, model.W_E.new_zeros(()))


@torch.no_grad()
def mean_values(
    model: ToyTransformer,
    pool: Int[Tensor, "sequence pos"],
    names: Names,
    *,
    per_position: bool = False,
    batch: int = 64,
    progress: bool = False,
) -> dict[str, Float[Tensor, "..."]]:
    """Return the mean of activations over many sequences.

    Patterns and scores are always averaged position by position, since their rows differ in length.

    Args:
        model: it is not changed.
        pool: sequences like those to be ablated, and better not the same.
        names: which hooks.
        per_position: whether each position has a mean of its own, which keeps what depends on the
            position alone. Sequences must then be as long as those of the pool.
        batch: how many sequences are run at a time.
        progress: whether to show a bar.

    Returns:
        For each hook the mean, of the activation's shape after `batch`; with 1 for `pos` unless
        `per_position`.

    Raises:
        ValueError: if the pool is empty.
        UnknownHookError: for a hook that the model lacks.

    """
    check_pool(pool)
    totals: dict[str, Tensor] = {}
    for part in tqdm(pool.split(batch), unit="batch", disable=not progress):
        cache = model.run_with_cache(part, names=names)[1]
        for name, value in cache.items():
            totals[name] = totals.get(name, 0) + value.sum(dim=0)
    means = {name: total / len(pool) for name, total in totals.items()}
    return {
        name: mean if per_position or Site(name).axes[0] != "pos" else mean.mean(0, keepdim=True)
        for name, mean in means.items()
    }


@torch.no_grad()
def resampled_values(
    model: ToyTransformer,
    tokens: Int[Tensor, "batch pos"],
    pool: Int[Tensor, "sequence pos"],
    names: Names,
    *,
    seed: int = 0,
) -> dict[str, Float[Tensor, "batch ..."]]:
    """Return each sequence's activations on another one, drawn from the pool.

    Args:
        model: it is not changed.
        tokens: the sequences that are to be ablated.
        pool: sequences as long, from which one is drawn for each, never the same tokens.
        names: which hooks.
        seed: of the draw; torch's own generator is left alone.

    Raises:
        ValueError: for other lengths, or if the pool holds no other sequence.
        UnknownHookError: for a hook that the model lacks.

    """
    check_pool(pool)
    if pool.shape[1:] != tokens.shape[1:]:
        raise ValueError(
            f"resampled_values was given tokens of shape {tuple(tokens.shape)} and a pool of shape "
            f"{tuple(pool.shape)}; expected the same number of positions."
        )
    other = (pool[None] != tokens[:, None]).any(dim=-1)  # (batch sequence)
    if not other.any(dim=-1).all():
        raise ValueError(
            "resampled_values found a sequence of which the pool holds nothing but copies; "
            "expected another one at least.\nAblating with the same activations changes nothing."
        )
    generator = torch.Generator(pool.device).manual_seed(seed)
    drawn = torch.multinomial(other.double(), 1, generator=generator)[:, 0]
    return dict(model.run_with_cache(pool[drawn], names=names)[1])


def check_pool(pool: Tensor) -> None:
    """Raise ValueError if there is nothing to average over or draw from."""
    if pool.ndim != 2 or not len(pool):
        raise ValueError(
            f"The pool has shape {tuple(pool.shape)}; expected (sequence, pos) with one at least.\n"
            "A filter may have left no sequence."
        )
