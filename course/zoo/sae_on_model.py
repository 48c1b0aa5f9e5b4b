"""SAEs on what a toy transformer computes: collect activations, train, measure with the model.

Works for any model of the zoo and anything that writes text for it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from course.model import ToyTransformer
from course.sae import SAE, SAEConfig
from course.sae_metrics import Baseline, ce_recovered, dead_fraction, fvu, l0, shrinkage
from course.sae_training import train_sae
from course.zoo.recipes import Measured, Recipe
from course.zoo.store import load

Sampler = Callable[[int, torch.Generator], Int[Tensor, "batch pos"]]

BATCH = 64  # sequences at a time


@torch.no_grad()
def activations_at(
    model: ToyTransformer, sampler: Sampler, hook: str, n: int, seed: int, skip: int = 1
) -> Float[Tensor, "n d_in"]:
    """Collect activations of the model on text, in the order of the text.

    Args:
        model: it is left as it was.
        sampler: (batch, generator) -> tokens.
        hook: the name of a hook; activations of heads are flattened, (head d_head) to d_in.
        n: how many.
        seed: of the text.
        skip: how many positions to leave out at the start: on a BOS activations are of another kind
            and size, and are the same every time.

    Raises:
        UnknownHookError: for a name that does not exist.
        ValueError: when nothing is left after `skip`.

    """
    generator = torch.Generator().manual_seed(seed)
    rows: list[Tensor] = []
    while sum(map(len, rows)) < n:
        tokens = sampler(BATCH, generator)
        if tokens.shape[1] <= skip:
            raise ValueError(
                f"activations_at was given tokens of shape {tuple(tokens.shape)} and skip={skip}; "
                "expected more positions than are left out."
            )
        cache = model.run_with_cache(tokens, names=hook)[1]
        rows.append(cache[hook][:, skip:].flatten(2).flatten(0, 1))
    return torch.cat(rows)[:n]


@torch.no_grad()
def measure_on_model(
    sae: SAE,
    model: ToyTransformer,
    sampler: Sampler,
    hook: str,
    *,
    n: int = 20_000,
    seed: int = 1_000_003,
    baseline: Baseline = "mean",
) -> Measured:
    """Measure an SAE on text that it was not trained on, spliced into the model too."""
    x = activations_at(model, sampler, hook, n, seed)
    latents = sae.encode(x)
    reconstruction = sae.decode(latents)
    tokens = sampler(BATCH, torch.Generator().manual_seed(seed + 1))
    recovered = ce_recovered(model, tokens, sae, hook, baseline)
    return {
        "L0": l0(latents),
        "FVU": fvu(x, reconstruction),
        "dead fraction": dead_fraction(latents),
        "shrinkage": shrinkage(x, reconstruction),
        f"CE recovered, {baseline} baseline": recovered.share,
        "CE of the model": recovered.clean,
        "CE with the SAE": recovered.spliced,
        f"CE with the {baseline}": recovered.baseline,
    }


def recipe_on_model(
    name: str,
    sampler: Sampler,
    hook: str,
    cfg: SAEConfig,
    *,
    text: str,
    seed: int,
    steps: int,
    sparsity: float = 0.0,
    n: int = 100_000,
    lr: float = 1e-3,
    batch_size: int = 512,
    tolerance: float = 0.005,
    bounds: dict[str, tuple[float, float]] | None = None,
) -> Recipe:
    """Return the recipe of an SAE on a shipped model's activations.

    Args:
        name: of the model.
        sampler: (batch, generator) -> tokens.
        hook: where.
        cfg: the SAE's shape; the recipe's seed takes the place of its own.
        text: what the sampler writes, for the card.
        seed: of the shipped SAE, of its weights, its text and the order of it.
        steps: of training.
        sparsity: the price of latents.
        n: how many activations to train on.
        lr: the learning rate.
        batch_size: activations at a step.
        tolerance: see `Recipe`.
        bounds: see `Recipe`.

    """

    def make(seed: int, steps: int, progress: bool) -> SAE:
        trained = train_sae(
            dataclasses.replace(cfg, seed=seed),
            activations_at(load(name), sampler, hook, n, seed),
            steps=steps,
            batch_size=batch_size,
            lr=lr,
            sparsity=sparsity,
            resample_every=max(1, steps // 10),
            seed=seed,
            progress=progress,
        )
        return trained.sae

    return Recipe(
        what=f"A {cfg.architecture} SAE of {cfg.d_sae} latents on {hook} of {name}.",
        data=f"{n} activations of {name} on {text}, the first position left out. Price of latents "
        f"{sparsity:g}, k {cfg.k}. Measured on other text.",
        seed=seed,
        steps=steps,
        make=make,
        measure=lambda sae: measure_on_model(sae, load(name), sampler, hook),
        tolerance=tolerance,
        bounds=bounds or {},
        is_sae=True,
    )
