"""Path patching: what one part tells another, and no third.

Patching a head changes everything that comes after it. Path patching asks for one way only, from a
sender straight to some receivers: first the base input is run with the sender taken from the source
run and all other heads and MLPs held at what they are in the base run, and what arrives at the
receivers is noted. Then the base input is run once more with that at the receivers, and everything
after them free. The paths from a sender to all that read from it, the logits among them, make up
the effect of patching it: exactly so where what follows is linear, as it is without MLPs when the
patterns and the scales of LayerNorm are held too.

Sources: Wang et al., "Interpretability in the Wild" (2022); Goldowsky-Dill et al., "Localizing
Model Behavior with Path Patching" (2023).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Int
from torch import Tensor

from course.hooks import Names
from course.metrics import Metric, measured
from course.model import ToyTransformer
from course.patching import Patched, check_pair
from course.sites import Grid, Site, as_grid, by_hook, edits
from course.sweeps import hold, passes, writes


@torch.no_grad()
def path_patch(
    model: ToyTransformer,
    base: Int[Tensor, "batch pos"],
    source: Int[Tensor, "batch pos"],
    senders: Grid | Site | Sequence[Site],
    receivers: Site | Sequence[Site],
    metric: Metric,
    *,
    through_mlps: bool = False,
    frozen: Names | None = None,
    rows: int | None = None,
    progress: bool = False,
) -> Patched:
    """Run on the base tokens with what the receivers hear from each sender taken from the source.

    Args:
        model: it is not changed.
        base: what the model runs on.
        source: where the senders' activations come from.
        senders: what is patched, each for itself: `grid(model, "z", "layer head")`.
        receivers: what may notice, all together: sites at `hook_q`, `hook_k` or `hook_v` for heads,
            at `mlp.hook_pre` for MLPs, and at the last `hook_resid_post` for the logits.
        metric: from logits to one number for each sequence.
        through_mlps: whether MLPs between sender and receivers pass the change on (as in Wang et
            al.), instead of being held as the heads are.
        frozen: hooks held at what they are in the base run, in both runs. To hold attention and
            scales: `lambda name: name.endswith(("hook_pattern", "hook_scale"))`.
        rows: how many rows a forward pass has at most.
        progress: whether to show a bar.

    Returns:
        The metric along each path. It equals `base` for a sender that comes after the receivers.

    Raises:
        ValueError: if the two runs differ in shape, for places that do not exist, or no sites.
        UnknownHookError: for a hook that the model lacks.

    """
    check_pair(base, source)
    chosen, heard = as_grid(senders), as_grid(receivers).sites
    parts = ("attn.hook_z",) if through_mlps else ("attn.hook_z", "hook_mlp_out")
    logits, silent = model.run_with_cache(base, names=lambda name: name.endswith(parts))
    held = {} if frozen is None else model.run_with_cache(base, names=frozen)[1]
    source_logits, there = model.run_with_cache(source, names=list(by_hook(chosen.sites)))
    done: dict[int, Tensor] = {}
    for indices in passes(chosen.sites, base, model, rows, progress=progress):
        sending = [chosen.sites[index] for index in indices]
        tokens = base.repeat(len(sending), 1)
        still = hold(held, len(sending))
        quiet = [*still, *hold(silent, len(sending)), *writes(sending, there, len(base))]
        with model.hooks(quiet):
            arrived = model.run_with_cache(tokens, names=list(by_hook(heard)))[1]
        with model.hooks([*still, *edits(heard, arrived)]):
            copies = model(tokens).unflatten(0, (len(sending), -1))
        for index, copy in zip(indices, copies, strict=True):
            done[index] = measured(metric, copy)
    values = torch.stack([done[index] for index in range(len(done))]).view(*chosen.shape, -1)
    return Patched(chosen, values, measured(metric, logits), measured(metric, source_logits))
