"""Activation patching: run on one input, with one activation taken from a run on another.

Two inputs differ in one thing, and so do the answers. *Noising* runs on the clean input and takes
one activation from the corrupted one: what is lost without it? *Denoising* runs on the corrupted
input and takes one activation from the clean one: what is enough to bring the answer back? The two
are not each other's mirror: of two parts that do the same (an OR) neither is missed when noised,
and each alone restores the answer; of two that are both needed (an AND) it is the other way round.

Sources: Meng et al., "Locating and Editing Factual Associations in GPT" (2022), as causal tracing;
Heimersheim & Nanda, "How to use and interpret activation patching" (2024).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from course.hooks import Names
from course.metrics import Metric, measured
from course.model import ToyTransformer
from course.sites import Grid, Site, as_grid, by_hook
from course.sweeps import Effects, sweep


@dataclass(frozen=True)
class Patched(Effects):
    """The effects of patching.

    Attributes:
        source: (batch), the metric of the run from which activations were taken.

    """

    source: Float[Tensor, "batch"]

    @property
    def normalized(self) -> Float[Tensor, "..."]:
        """The mean effect as a part of the mean difference between the two runs.

        0 if the patch does nothing, 1 if it takes the metric all the way to the source run's.

        Raises:
            ValueError: if the runs do not differ on average.

        """
        whole = (self.source - self.base).mean()
        if whole.abs() < 1e-9 * torch.stack([self.source, self.base]).abs().max() or whole == 0:
            raise ValueError(
                f"The metric is {float(self.base.mean()):.6g} in the base run and as much in the "
                "source run, on average; an effect is no part of no difference.\n"
                "Use `effect`; or the inputs may differ in ways that cancel out, or not at all."
            )
        return self.mean / whole


def noising(
    model: ToyTransformer,
    clean: Int[Tensor, "batch pos"],
    corrupted: Int[Tensor, "batch pos"],
    sites: Grid | Site | Sequence[Site],
    metric: Metric,
    **options,
) -> Patched:
    """Run on the clean tokens with each site in turn taken from the corrupted run.

    See `patch` for what is given and returned; `normalized` is 1 where all is lost.
    """
    return patch(model, clean, corrupted, sites, metric, **options)


def denoising(
    model: ToyTransformer,
    clean: Int[Tensor, "batch pos"],
    corrupted: Int[Tensor, "batch pos"],
    sites: Grid | Site | Sequence[Site],
    metric: Metric,
    **options,
) -> Patched:
    """Run on the corrupted tokens with each site in turn taken from the clean run.

    See `patch` for what is given and returned; `normalized` is 1 where all is restored.
    """
    return patch(model, corrupted, clean, sites, metric, **options)


@torch.no_grad()
def patch(
    model: ToyTransformer,
    base: Int[Tensor, "batch pos"],
    source: Int[Tensor, "batch pos"],
    sites: Grid | Site | Sequence[Site],
    metric: Metric,
    *,
    frozen: Names | None = None,
    rows: int | None = None,
    progress: bool = False,
) -> Patched:
    """Run on the base tokens with each site in turn taken from the run on the source tokens.

    Args:
        model: it is not changed.
        base: what the model runs on.
        source: where activations come from, sequence by sequence.
        sites: where to patch, each for itself: `grid(model, "resid_pre", "layer pos", n_pos=9)`.
        metric: from logits to one number for each sequence, such as `logit_difference(3, 5)`.
        frozen: hooks that are held at what they are in the base run.
        rows: how many rows a forward pass has at most.
        progress: whether to show a bar.

    Raises:
        ValueError: if the two differ in shape, and as `sweep` does.
        UnknownHookError: for a hook that the model lacks.

    """
    check_pair(base, source)
    chosen = as_grid(sites)
    logits, cache = model.run_with_cache(source, names=list(by_hook(chosen.sites)))
    done = sweep(model, base, chosen, cache, metric, frozen=frozen, rows=rows, progress=progress)
    return Patched(chosen, done.values, done.base, measured(metric, logits))


def check_pair(base: Tensor, source: Tensor) -> None:
    """Raise ValueError unless two runs have the same sequences and positions."""
    if base.shape != source.shape:
        raise ValueError(
            f"The two runs were given tokens of shapes {tuple(base.shape)} and "
            f"{tuple(source.shape)}; expected the same (batch, pos).\n"
            "Patching goes from position to position: choose pairs of the same length."
        )
