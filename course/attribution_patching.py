"""Attribution patching: all patching effects at once, by a straight line.

A patch moves an activation from its base to its source value. To first order the metric moves by
that difference times its gradient, and one backward pass gives the gradient everywhere: two forward
passes and a backward one, however many sites. The line is exact where the rest of the model is
linear, and wrong by as much as it bends in between: at a saturated softmax or a ReLU that is shut
the gradient says that nothing matters. The integrated version walks from base to source in steps
and averages the gradient, one hook at a time: its parts sum to the effect of patching the whole
activation, and cost as many passes as steps times hooks.

Sources: Nanda, "Attribution Patching: Activation Patching At Industrial Scale" (2023); Syed et al.,
"Attribution Patching Outperforms Automated Circuit Discovery" (2023); the integrated version after
Sundararajan et al., "Axiomatic Attribution for Deep Networks" (2017), and Hanna et al., "Have Faith
in Faithfulness" (2024).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from course.hooks import HookFunction, HookPoint
from course.metrics import Metric, measured
from course.model import ToyTransformer
from course.patching import Patched, check_pair
from course.sites import Grid, Site, as_grid, by_hook, masks


def attribution_patch(
    model: ToyTransformer,
    base: Int[Tensor, "batch pos"],
    source: Int[Tensor, "batch pos"],
    sites: Grid | Site | Sequence[Site],
    metric: Metric,
    *,
    steps: int | None = None,
) -> Patched:
    """Estimate what `patch` measures at each site: (source - base) times the gradient at base.

    For denoising the base is the corrupted run, so the gradient is taken there.

    Args:
        model: it is not changed, and its parameters get no gradients.
        base: what the model runs on.
        source: where activations would come from.
        sites: where, each for itself.
        metric: from logits to one number for each sequence, differentiable.
        steps: for the integrated version, at how many points between base and source the gradient
            is taken (the midpoints of as many equal steps). None for the gradient at base alone.

    Returns:
        The metric as estimated; `effect` and `normalized` compare with those of `patch`.

    Raises:
        ValueError: if the two differ in shape, for places that do not exist, or steps below 1.
        UnknownHookError: for a hook that the model lacks.

    """
    check_pair(base, source)
    if steps is not None and steps < 1:
        raise ValueError(f"attribution_patch was given steps={steps}; expected 1 or more, or None.")
    chosen = as_grid(sites)
    hooks = by_hook(chosen.sites)
    with torch.no_grad():
        logits, there = model.run_with_cache(source, names=list(hooks))
    base_logits, here, gradients = _gradients(model, base, list(hooks), metric)
    effects = base_logits.new_zeros(len(chosen.sites), len(base))
    for hook, indices in hooks.items():
        # Masked scores are minus infinity in both runs, and do not differ.
        change = torch.where(there[hook] == here[hook], 0, there[hook] - here[hook])
        slope = gradients[hook]
        if steps is not None:
            slope = _mean_gradient(model, base, hook, here[hook], change, metric, steps)
        mask = masks([chosen.sites[index] for index in indices], change.shape[1:])[:, None]
        effects[indices] = torch.where(mask, change * slope, 0).flatten(2).sum(dim=-1)
    before = measured(metric, base_logits)
    values = (before + effects).view(*chosen.shape, -1)
    return Patched(chosen, values, before, measured(metric, logits))


def _gradients(
    model: ToyTransformer, tokens: Int[Tensor, "batch pos"], hooks: list[str], metric: Metric
) -> tuple[Tensor, dict[str, Tensor], dict[str, Tensor]]:
    """Return logits, activations, and the gradient of the metric with respect to each of them."""
    names = [name for name in ("hook_embed", "hook_pos_embed") if name in model.hook_names]
    with torch.enable_grad(), model.hooks([(names, _leaf)]):
        logits, cache = model.run_with_cache(tokens, names=hooks)
        gradients = torch.autograd.grad(
            measured(metric, logits).sum(),
            list(cache.values()),
            allow_unused=True,
            materialize_grads=True,
        )
    here = {name: value.detach() for name, value in cache.items()}
    return logits.detach(), here, dict(zip(here, gradients, strict=True))


def _mean_gradient(
    model: ToyTransformer,
    tokens: Int[Tensor, "batch pos"],
    hook: str,
    here: Float[Tensor, "batch ..."],
    change: Float[Tensor, "batch ..."],
    metric: Metric,
    steps: int,
) -> Float[Tensor, "batch ..."]:
    """Return the gradient at one hook, averaged over the way from base to source."""
    total = torch.zeros_like(here)
    for step in range(steps):
        between = here + change * ((step + 0.5) / steps)
        with torch.enable_grad(), model.hooks([(hook, _leaf_of(between))]):
            logits, cache = model.run_with_cache(tokens, names=hook)
            (slope,) = torch.autograd.grad(measured(metric, logits).sum(), cache[hook])
        total += slope
    return total / steps


def _leaf(activation: Tensor, _: HookPoint) -> Tensor:
    """Begin the graph here, so that no parameter needs a gradient."""
    return activation.detach().requires_grad_()


def _leaf_of(value: Tensor) -> HookFunction:
    """Return a hook that puts a value in the activation's place, and begins the graph there."""
    return lambda _activation, _hook: value.detach().clone().requires_grad_()
