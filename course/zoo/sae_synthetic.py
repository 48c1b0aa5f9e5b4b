"""Two SAEs on synthetic features that differ in their seed alone, to see how far they agree.

20 features in 10 dimensions, each present once in 20 inputs, with a size drawn evenly from 0 to 1.
The features are the same for both; what differs is the order of the data and the initial weights.
"""

from __future__ import annotations

import torch

from course.sae import SAE, SAEConfig
from course.sae_matching import match_directions
from course.sae_metrics import dead_fraction, fvu, l0, shrinkage
from course.sae_training import train_sae
from course.synthetic_features import Sample, SyntheticFeatures, synthetic_features
from course.zoo.recipes import Measured, Recipe

N_FEATURES, D_IN, D_SAE = 20, 10, 20
PROBABILITY = 0.05
SPARSITY = 0.2
LEARNING_RATE = 3e-3
BATCH = 512
N_TRAINED, N_MEASURED = 100_000, 20_000


def features() -> SyntheticFeatures:
    """Return the true features, which are the same whatever the SAE's seed."""
    return synthetic_features(N_FEATURES, D_IN, PROBABILITY, seed=0)


def sample(n: int, seed: int) -> Sample:
    """Draw activations; what SAEs are trained on has seed 1, what they are measured on seed 2."""
    return features().sample(n, torch.Generator().manual_seed(seed))


def make(seed: int, steps: int, progress: bool) -> SAE:
    """Train one."""
    cfg = SAEConfig("standard", D_IN, D_SAE, seed=seed)
    trained = train_sae(
        cfg,
        sample(N_TRAINED, seed=1).activations,
        steps=steps,
        batch_size=BATCH,
        lr=LEARNING_RATE,
        sparsity=SPARSITY,
        resample_every=500,
        seed=seed,
        progress=progress,
    )
    return trained.sae


@torch.no_grad()
def measure(sae: SAE) -> Measured:
    """Measure an SAE on inputs that it was not trained on, and against the true features."""
    x = sample(N_MEASURED, seed=2).activations
    latents, matching = sae.encode(x), match_directions(sae.W_dec, features().directions)
    reconstruction = sae.decode(latents)
    return {
        "L0": l0(latents),
        "L0 of the true features": features().l0,
        "FVU": fvu(x, reconstruction),
        "dead fraction": dead_fraction(latents),
        "shrinkage": shrinkage(x, reconstruction),
        "mean cosine with the true features": matching.mean_cosine,
        "share of features matched above 0.9": matching.share(0.9),
    }


def measure_beside_first(sae: SAE) -> Measured:
    """Measure the second SAE, and how much of the shipped first one it shares."""
    from course.zoo import saes

    matching = match_directions(sae.W_dec, saes.load("sae_synthetic_1").W_dec)
    return measure(sae) | {
        "mean cosine with sae_synthetic_1": matching.mean_cosine,
        "share of sae_synthetic_1 matched above 0.9": matching.share(0.9),
    }


FIRST = Recipe(
    what=f"A ReLU SAE of {D_SAE} latents on synthetic activations: {N_FEATURES} sparse features in "
    f"{D_IN} dimensions.",
    data=f"{N_TRAINED} activations; each feature is present with probability {PROBABILITY}, with a "
    f"size drawn evenly from 0 to 1 (course.zoo.sae_synthetic). L1 price {SPARSITY}. Measured on "
    f"{N_MEASURED} others.",
    seed=2,
    steps=4000,
    make=make,
    measure=measure,
    tolerance=0.002,
    bounds={
        "L0": (1.0, 2.0),
        "FVU": (0.0, 0.12),
        "mean cosine with the true features": (0.9, 1.0),
        "dead fraction": (0.0, 0.0),
    },
    is_sae=True,
)
SECOND = Recipe(
    what=FIRST.what + " The recipe of sae_synthetic_1 with another seed.",
    data=FIRST.data,
    seed=3,
    steps=FIRST.steps,
    make=make,
    measure=measure_beside_first,
    tolerance=FIRST.tolerance,
    bounds=FIRST.bounds,
    is_sae=True,
)
