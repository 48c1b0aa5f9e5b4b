"""Train a sparse autoencoder on activations, and give latents that never fire another chance.

The loop is that of "Towards Monosemanticity" (Bricken et al. 2023): Adam, decoder rows held at norm
one (or a price on latents could be had down by long directions), and dead latents drawn anew from
the inputs that are reconstructed worst.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from course.sae import SAE, JumpReLUSAE, SAEConfig, TopKSAE, build_sae
from course.sae_gradients import Gradients

WARM_UP = 0.05  # the part of the training in which the price of latents rises to `sparsity`
DECAY = 0.2  # the part at the end in which the learning rate falls to zero
REVIVED = 0.2  # the length of a revived latent's encoder column, where those of live ones have 1


@dataclass(frozen=True)
class Trained:
    """A trained SAE and how it got there.

    Attributes:
        sae: the SAE.
        losses: (step), the total loss of each batch.
        resampled: how many latents were drawn anew at each step at which some were.

    """

    sae: SAE
    losses: Float[Tensor, "step"]
    resampled: dict[int, int]


def train_sae(
    cfg: SAEConfig,
    activations: Float[Tensor, "n d_in"],
    *,
    steps: int,
    batch_size: int = 256,
    lr: float = 1e-3,
    sparsity: float = 0.0,
    resample_every: int | None = None,
    seed: int = 0,
    progress: bool = True,
) -> Trained:
    """Train an SAE; the same arguments give the same SAE on the same machine.

    Args:
        cfg: its shape; `cfg.seed` draws the initial weights. `b_dec` begins at the mean.
        activations: in the dtype of `cfg`. They are gone through in a new order each time.
        steps: how many batches.
        batch_size: how many activations in each.
        lr: Adam's learning rate.
        sparsity: the price of latents, see `SAE.loss`; none for TopK.
        resample_every: after so many steps draw anew the latents that fired at none of them;
            not in the last fifth of the training. None for never.
        seed: of the order of the data and of what dead latents become.
        progress: whether to show a bar.

    Raises:
        ValueError: for activations that cannot be trained on, or numbers out of range.

    """
    from tqdm import tqdm

    _check(cfg, activations, steps, batch_size, lr, sparsity, resample_every)
    activations = activations.detach()
    generator = torch.Generator().manual_seed(seed)
    sae = build_sae(cfg)
    sae.b_dec.data.copy_(activations.mean(dim=0))
    optimiser = torch.optim.Adam(sae.parameters(), lr=lr, fused=True)
    batch_size = min(batch_size, len(activations))
    gradients, batches = Gradients(sae, batch_size), _batches(activations, batch_size, generator)
    losses, resampled = torch.empty(steps, dtype=activations.dtype), {}
    fired = torch.zeros(cfg.d_sae, dtype=torch.bool)
    for step in tqdm(range(steps), desc="SAE", disable=not progress):
        optimiser.param_groups[0]["lr"] = lr * min(1.0, (1 - step / steps) / DECAY)
        price = sparsity * min(1.0, step / (WARM_UP * steps))
        losses[step] = gradients(next(batches), price).total
        optimiser.step()
        normalise_decoder(sae)
        if resample_every is None or step >= (1 - DECAY) * steps:
            continue
        fired |= gradients.latents.amax(dim=0) > 0
        if (step + 1) % resample_every == 0:
            if not fired.all():
                resampled[step] = resample(sae, ~fired, activations, generator, optimiser)
            fired.zero_()
    for parameter in sae.parameters():
        parameter.grad = None
    return Trained(sae, losses, resampled)


@torch.no_grad()
def normalise_decoder(sae: SAE) -> None:
    """Make every row of `W_dec` one long, and keep thresholds from falling below zero.

    Latents are not made longer to make up for it, so the reconstruction changes: as a projection
    after each step of training it keeps directions and prices comparable.
    """
    torch.nn.functional.normalize(sae.W_dec, dim=-1, out=sae.W_dec.data)
    if isinstance(sae, JumpReLUSAE):
        sae.threshold.clamp_(min=0.0)


@torch.no_grad()
def resample(
    sae: SAE,
    is_dead: Bool[Tensor, "d_sae"],
    activations: Float[Tensor, "n d_in"],
    generator: torch.Generator,
    optimiser: torch.optim.Optimizer | None = None,
    sample: int = 8192,
) -> int:
    """Give dead latents the direction of an input that is reconstructed badly; return how many.

    Inputs are drawn with a probability proportional to the square of their loss, among `sample` of
    them. A revived latent's direction is that of the input, seen from `b_dec`; its encoder column
    is the same, a fifth as long as those of the live ones on average (just as long, with TopK), and
    its bias is zero, so that it disturbs little. Source: Bricken et al.
    (2023), appendix "Neuron resampling".

    Args:
        sae: it is changed.
        is_dead: which latents to draw anew.
        activations: the inputs to choose from.
        generator: of the choice.
        optimiser: Adam, which must forget what it knew of these latents.
        sample: how many inputs to look at.

    """
    dead = is_dead.nonzero()[:, 0]
    if not len(dead):
        return 0
    some = torch.randint(len(activations), (sample,), generator=generator)
    inputs = activations[some]
    losses = (sae(inputs) - inputs).pow(2).sum(dim=-1).double()
    weights = losses.square() if losses.any() else torch.ones_like(losses)
    chosen = torch.multinomial(weights, len(dead), replacement=True, generator=generator)
    directions = torch.nn.functional.normalize(inputs[chosen] - sae.b_dec, dim=-1)
    live = sae.W_enc[:, ~is_dead].norm(dim=0)
    length = live.mean() if len(live) else torch.ones((), dtype=live.dtype)
    if not isinstance(sae, TopKSAE):  # of k, a weak one would never be among the strongest
        length = REVIVED * length
    sae.W_dec[dead] = directions
    sae.W_enc[:, dead] = length * directions.T
    sae.b_enc[dead] = 0.0
    if isinstance(sae, JumpReLUSAE):
        sae.threshold[dead] = sae.cfg.init_threshold
    if optimiser is not None:
        _forget(sae, optimiser, dead)
    return len(dead)


def _forget(sae: SAE, optimiser: torch.optim.Optimizer, dead: Int[Tensor, "latent"]) -> None:
    """Set Adam's averages of these latents' weights to zero."""
    for name, parameter in sae.named_parameters():
        state = optimiser.state.get(parameter)
        if state and name != "b_dec":
            axis = 1 if name == "W_enc" else 0
            for average in ("exp_avg", "exp_avg_sq"):
                state[average].index_fill_(axis, dead, 0.0)


def _batches(
    activations: Float[Tensor, "n d_in"], size: int, generator: torch.Generator
) -> Iterator[Float[Tensor, "batch d_in"]]:
    """Yield batches without end, all the activations in a new order each time round."""
    n = len(activations)
    while True:
        order = torch.randperm(n, generator=generator)
        for indices in order[: n - n % size].split(size):
            yield activations[indices]


def _check(
    cfg: SAEConfig,
    activations: Tensor,
    steps: int,
    batch_size: int,
    lr: float,
    sparsity: float,
    resample_every: int | None,
) -> None:
    """Refuse what cannot be trained on."""
    expected = f"expected (n, d_in) with n of at least 1 and d_in={cfg.d_in}, {cfg.dtype}"
    if activations.ndim != 2 or activations.shape[1] != cfg.d_in or not len(activations):
        raise ValueError(
            f"train_sae was given activations of shape {tuple(activations.shape)}; {expected}.\n"
            "Activations (batch pos d_model) need their first axes flattened: x.flatten(0, 1)."
        )
    if activations.dtype != getattr(torch, cfg.dtype):
        raise ValueError(
            f"train_sae was given {activations.dtype}; {expected}.\n"
            "Convert them, or set the dtype of SAEConfig."
        )
    if not activations.isfinite().all():
        raise ValueError(
            "train_sae was given activations with NaN or infinity; expected numbers.\n"
            "Find the rows: (~activations.isfinite()).any(dim=-1).nonzero()."
        )
    if steps < 1 or batch_size < 1 or not lr > 0 or not sparsity >= 0:
        raise ValueError(
            f"train_sae got steps={steps}, batch_size={batch_size}, lr={lr}, sparsity={sparsity}; "
            "expected at least one step and one activation a batch, lr > 0 and sparsity >= 0."
        )
    if cfg.architecture == "topk" and sparsity:
        raise ValueError(
            f"train_sae got sparsity={sparsity} for 'topk', whose latents have no price.\n"
            f"It is k={cfg.k} that says how many there are; leave sparsity out."
        )
    if resample_every is not None and resample_every < 1:
        raise ValueError(f"train_sae got resample_every={resample_every}; expected 1 or more.")
