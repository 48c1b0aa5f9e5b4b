"""The same weights in SAELens give the same latents, reconstructions, losses and gradients."""

from __future__ import annotations

import itertools

import pytest
import torch
from sae_lens.saes.jumprelu_sae import (
    JumpReLUSAE,
    JumpReLUSAEConfig,
    JumpReLUTrainingSAE,
    JumpReLUTrainingSAEConfig,
)
from sae_lens.saes.sae import TrainStepInput
from sae_lens.saes.standard_sae import (
    StandardSAE,
    StandardSAEConfig,
    StandardTrainingSAE,
    StandardTrainingSAEConfig,
)
from sae_lens.saes.topk_sae import TopKSAE, TopKSAEConfig, TopKTrainingSAE, TopKTrainingSAEConfig

from course.sae import SAEConfig, random_sae

D_IN, D_SAE, K, BANDWIDTH, SPARSITY = 6, 14, 4, 0.4, 0.3
INFERENCE = {
    "standard": (StandardSAE, StandardSAEConfig, {}),
    "topk": (TopKSAE, TopKSAEConfig, {"k": K}),
    "jumprelu": (JumpReLUSAE, JumpReLUSAEConfig, {}),
}
TRAINING = {
    "standard": (StandardTrainingSAE, StandardTrainingSAEConfig, {"l1_coefficient": SPARSITY}),
    "topk": (
        TopKTrainingSAE,
        TopKTrainingSAEConfig,
        # Theirs weighs latents by the length of their directions before it chooses; at norm one,
        # where our training keeps them, that is the same.
        {"k": K, "rescale_acts_by_decoder_norm": False},
    ),
    "jumprelu": (
        JumpReLUTrainingSAE,
        JumpReLUTrainingSAEConfig,
        {"l0_coefficient": SPARSITY, "jumprelu_bandwidth": BANDWIDTH},
    ),
}
CASES = list(itertools.product(INFERENCE, (True, False), (0, 1)))


def ours(architecture, apply, seed, dtype="float64"):
    k = K if architecture == "topk" else None
    return random_sae(
        SAEConfig(
            architecture,
            D_IN,
            D_SAE,
            k=k,
            apply_b_dec_to_input=apply,
            bandwidth=BANDWIDTH,
            dtype=dtype,
            seed=seed,
        )
    )


def theirs(kinds, sae):
    cls, config, settings = kinds[sae.cfg.architecture]
    built = cls(
        config(
            d_in=D_IN,
            d_sae=D_SAE,
            dtype=sae.cfg.dtype,
            apply_b_dec_to_input=sae.cfg.apply_b_dec_to_input,
            **settings,
        )
    )
    built.load_state_dict(sae.state_dict())
    return built


def inputs(seed, dtype=torch.float64):
    return torch.randn(32, D_IN, generator=torch.Generator().manual_seed(seed), dtype=dtype)


@pytest.mark.parametrize(("architecture", "apply", "seed"), CASES)
def test_latents_and_reconstructions(architecture, apply, seed):
    sae, x = ours(architecture, apply, seed), inputs(seed)
    peer = theirs(INFERENCE, sae)
    latents = sae.encode(x)
    assert 0 < (latents != 0).double().mean() < 1
    torch.testing.assert_close(latents, peer.encode(x), rtol=0, atol=1e-10)
    torch.testing.assert_close(sae.decode(latents), peer.decode(latents), rtol=0, atol=1e-10)
    torch.testing.assert_close(sae(x), peer(x), rtol=0, atol=1e-10)


@pytest.mark.parametrize(("architecture", "apply", "seed"), CASES)
def test_losses_and_gradients(architecture, apply, seed):
    """In float32: SAELens keeps JumpReLU's thresholds so while it trains."""
    sae, x = ours(architecture, apply, seed, "float32"), inputs(seed, torch.float32)
    peer = theirs(TRAINING, sae)
    out = peer.training_forward_pass(
        TrainStepInput(
            sae_in=x,
            coefficients={"l1": SPARSITY, "l0": SPARSITY},
            dead_neuron_mask=None,
            n_training_steps=0,
            is_logging_step=False,
        )
    )
    loss = sae.loss(x, SPARSITY)
    torch.testing.assert_close(loss.mse, out.losses["mse_loss"])
    price = {"standard": "l1_loss", "jumprelu": "l0_loss"}.get(architecture)
    if price:
        torch.testing.assert_close(loss.sparsity, out.losses[price])
    torch.testing.assert_close(loss.total, out.loss)
    loss.total.backward()
    out.loss.backward()
    for name, parameter in sae.named_parameters():
        gradient = peer.get_parameter(name).grad
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-4, atol=1e-5, msg=name)
