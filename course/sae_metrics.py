"""How good a sparse autoencoder is: how few latents, how close, how many asleep, and what it costs.

L0 and FVU as in "Towards Monosemanticity" (Bricken et al. 2023), cross-entropy recovered as in
SAEBench (Karvonen et al. 2025), shrinkage as in "Improving Dictionary Learning with Gated Sparse
Autoencoders" (Rajamanoharan et al. 2024). No one number says it: an SAE with more latents on is
closer, so compare at equal L0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from course.hooks import HookPoint
from course.intervals import Interval, bootstrap
from course.model import ToyTransformer
from course.sae import SAE

Baseline = Literal["zero", "mean"]


def l0(latents: Float[Tensor, "... d_sae"]) -> float:
    """Return how many latents are not zero, the mean over inputs.

    Raises:
        ValueError: for no inputs, or NaN.

    """
    _check("l0", latents, "(... d_sae)")
    return float((latents != 0).sum(dim=-1).double().mean())


def dead_fraction(latents: Float[Tensor, "... d_sae"]) -> float:
    """Return the share of latents that are zero on every one of these inputs.

    A latent for something rare looks dead on few inputs: say how many there were.

    Raises:
        ValueError: for no inputs, or NaN.

    """
    _check("dead_fraction", latents, "(... d_sae)")
    is_dead = (latents == 0).flatten(0, -2).all(dim=0)
    return float(is_dead.double().mean())


def fvu(x: Float[Tensor, "... d_in"], reconstruction: Float[Tensor, "... d_in"]) -> float:
    """Return the fraction of variance unexplained: 0 is perfect, 1 no better than the mean.

    Squared error over squared distance from the mean input, each summed over everything.

    Raises:
        ValueError: for other shapes, NaN, or inputs that do not vary.

    """
    _check_pair("fvu", x, reconstruction)
    rows = x.flatten(0, -2)
    variation = (rows - rows.mean(dim=0)).pow(2).sum()
    if variation == 0:
        raise ValueError(
            f"fvu was given {len(rows)} inputs that are all the same; expected some variation.\n"
            "One input, or one token over and over, has no variance to explain."
        )
    return float((x - reconstruction).pow(2).sum() / variation)


def shrinkage(x: Float[Tensor, "... d_in"], reconstruction: Float[Tensor, "... d_in"]) -> float:
    """Return the relative reconstruction bias: 1 is none, 0.9 a reconstruction a tenth too small.

    It is the gamma for which reconstruction / gamma comes closest to x:
    |reconstruction|^2 / (reconstruction . x), each summed over everything. A price on the sum of
    latents makes all of them too small. Source: Rajamanoharan et al. (2024), equation 10.

    Raises:
        ValueError: for other shapes, NaN, or a reconstruction that has nothing of the input.

    """
    _check_pair("shrinkage", x, reconstruction)
    common = (x * reconstruction).sum()
    if common == 0:
        raise ValueError(
            "shrinkage was given a reconstruction at right angles to the input, such as zero; "
            "no factor brings it closer.\nLook at l0: every latent may be dead."
        )
    return float(reconstruction.pow(2).sum() / common)


@dataclass(frozen=True)
class Recovered:
    """What a model loses when an SAE's reconstruction stands in for its activations.

    Attributes:
        share: (baseline - spliced) / (baseline - clean); 1 when nothing is lost, 0 when the SAE is
            no better than the baseline.
        clean: the model's own cross-entropy, nats a token.
        spliced: with the reconstruction in place of the activation.
        baseline: with the activation replaced by what `kind` says.
        kind: `zero`, or `mean`: the mean over these tokens' positions.
        lost: spliced - clean for each sequence, as a mean with its bootstrap interval.

    """

    share: float
    clean: float
    spliced: float
    baseline: float
    kind: Baseline
    lost: Interval


@torch.no_grad()
def ce_recovered(
    model: ToyTransformer,
    tokens: Int[Tensor, "batch pos"],
    sae: SAE,
    hook: str,
    baseline: Baseline = "mean",
) -> Recovered:
    """Measure the next-token cross-entropy with the SAE spliced in, against a baseline.

    Zeroing an activation that has a large mean destroys a model, and makes any SAE look good; the
    mean is the harder baseline. State which was used.

    Args:
        model: reads the tokens; it is left as it was.
        tokens: at least two sequences of at least two tokens.
        sae: for activations at `hook`; those of heads are flattened, (head d_head) to d_in.
        hook: the name of a hook.
        baseline: `mean` or `zero`.

    Raises:
        UnknownHookError: for a name that does not exist.
        ValueError: for tokens or a baseline that will not do, an SAE of another width, or a
            baseline that does not hurt, against which nothing can be measured.

    """
    if baseline not in ("zero", "mean"):
        raise ValueError(f"ce_recovered got baseline={baseline!r}; expected 'zero' or 'mean'.")
    if tokens.ndim != 2 or len(tokens) < 2 or tokens.shape[1] < 2:
        raise ValueError(
            f"ce_recovered was given tokens of shape {tuple(tokens.shape)}; expected (batch pos), "
            "at least two sequences of two tokens.\nThe interval is over sequences."
        )
    logits, cache = model.run_with_cache(tokens, names=hook)
    activation = cache[hook]
    reconstruction = _spliced(sae, activation)
    instead = torch.zeros_like(activation)
    if baseline == "mean":
        instead = instead + activation.mean(dim=(0, 1))

    def loss_with(value: Tensor) -> Float[Tensor, "batch"]:
        def replace(activation: Tensor, hook: HookPoint) -> Tensor:
            del activation, hook
            return value

        return _losses(model.run_with_hooks(tokens, fwd_hooks=[(hook, replace)]), tokens)

    clean, spliced, worst = _losses(logits, tokens), loss_with(reconstruction), loss_with(instead)
    gap = float((worst - clean).mean())
    if gap <= 0:
        raise ValueError(
            f"ce_recovered: with the baseline {baseline!r} at {hook} the cross-entropy is "
            f"{float(worst.mean()):.4g}, no worse than the model's own {float(clean.mean()):.4g}.\n"
            "What happens at this hook does not matter on these tokens: try another hook, or text "
            "that the model can predict."
        )
    return Recovered(
        share=float((worst - spliced).mean()) / gap,
        clean=float(clean.mean()),
        spliced=float(spliced.mean()),
        baseline=float(worst.mean()),
        kind=baseline,
        lost=bootstrap(spliced - clean),
    )


def _spliced(
    sae: SAE, activation: Float[Tensor, "batch pos ..."]
) -> Float[Tensor, "batch pos ..."]:
    """Return the reconstruction in the shape of the activation."""
    return sae(activation.flatten(2)).view_as(activation)


def _losses(
    logits: Float[Tensor, "batch pos d_vocab"], tokens: Int[Tensor, "batch pos"]
) -> Float[Tensor, "batch"]:
    """Return the mean cross-entropy of each sequence's predictions."""
    return F.cross_entropy(logits[:, :-1].mT, tokens[:, 1:].long(), reduction="none").mean(dim=-1)


def _check_pair(who: str, x: Tensor, reconstruction: Tensor) -> None:
    _check(who, x, "(... d_in)")
    _check(who, reconstruction, "(... d_in)")
    if x.shape != reconstruction.shape:
        raise ValueError(
            f"{who} was given inputs of shape {tuple(x.shape)} and a reconstruction of shape "
            f"{tuple(reconstruction.shape)}; expected equal shapes (... d_in)."
        )


def _check(who: str, given: Tensor, shape: str) -> None:
    """Refuse what has no inputs, or NaN."""
    if given.ndim < 2 or not given.numel():
        raise ValueError(
            f"{who} was given a tensor of shape {tuple(given.shape)}; expected {shape}, with at "
            "least one input.\nA single one needs an axis: x[None]."
        )
    if not given.isfinite().all():
        raise ValueError(
            f"{who} was given NaN or infinity; expected numbers.\n"
            "Find the inputs: (~x.isfinite()).any(dim=-1).nonzero()."
        )
