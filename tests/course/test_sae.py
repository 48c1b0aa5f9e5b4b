"""Sparse autoencoders: each architecture against loops, and its gradients two ways."""

from __future__ import annotations

import itertools

import pytest
import torch

from course.sae import ARCHITECTURES, SAEConfig, build_sae, random_sae
from course.sae_gradients import Gradients

D_IN, D_SAE, K, BATCH = 5, 9, 3, 7


def make(architecture, seed=0, **fields):
    k = K if architecture == "topk" else None
    cfg = SAEConfig(architecture, D_IN, D_SAE, k=k, dtype="float64", seed=seed, **fields)
    return random_sae(cfg)


def inputs(seed=0, *shape):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*(shape or (BATCH,)), D_IN, generator=generator, dtype=torch.float64)


@pytest.fixture(params=ARCHITECTURES)
def architecture(request) -> str:
    return request.param


def latents_by_loop(sae, x):
    """One input, one latent at a time."""
    bias = sae.b_dec if sae.cfg.apply_b_dec_to_input else torch.zeros(D_IN)
    pre = [float((x - bias) @ sae.W_enc[:, j] + sae.b_enc[j]) for j in range(D_SAE)]
    if sae.cfg.architecture == "standard":
        return [max(value, 0.0) for value in pre]
    if sae.cfg.architecture == "topk":
        kept = sorted(range(D_SAE), key=lambda j: -pre[j])[:K]
        return [max(value, 0.0) if j in kept else 0.0 for j, value in enumerate(pre)]
    thresholds = sae.threshold.tolist()
    return [value if value > t else 0.0 for value, t in zip(pre, thresholds, strict=True)]


@pytest.mark.parametrize(("seed", "apply"), list(itertools.product(range(3), (True, False))))
def test_forward_equals_the_loop(architecture, seed, apply):
    sae, x = make(architecture, seed, apply_b_dec_to_input=apply), inputs(seed)
    with torch.no_grad():
        latents, out = sae.encode(x), sae(x)
        for row in range(BATCH):
            expected = torch.tensor(latents_by_loop(sae, x[row]), dtype=torch.float64)
            torch.testing.assert_close(latents[row], expected, rtol=0, atol=1e-12)
            rebuilt = sum(expected[j] * sae.W_dec[j] for j in range(D_SAE)) + sae.b_dec
            torch.testing.assert_close(out[row], rebuilt, rtol=0, atol=1e-12)


def test_every_bias_matters(architecture):
    x = inputs()
    for name in ("b_enc", "b_dec", *(["threshold"] if architecture == "jumprelu" else [])):
        sae, other = make(architecture), make(architecture)
        other.get_parameter(name).data.zero_()
        assert (sae(x) - other(x)).abs().max() > 1e-3, name


def test_leading_axes_are_kept(architecture):
    sae, x = make(architecture), inputs(0, 2, 3)
    assert sae.encode(x).shape == (2, 3, D_SAE)
    torch.testing.assert_close(sae(x).flatten(0, 1), sae(x.flatten(0, 1)))


def test_topk_keeps_k_at_most_and_no_negative_ones():
    latents = make("topk").encode(inputs())
    assert ((latents != 0).sum(dim=-1) <= K).all()
    assert (latents >= 0).all()
    sae = make("topk")
    sae.b_enc.data.fill_(-100.0)
    assert sae.encode(inputs()).abs().max() == 0


def test_the_parts_of_the_loss():
    x = inputs()
    for architecture in ARCHITECTURES:
        sae = make(architecture)
        latents, loss = sae.encode(x), sae.loss(x, sparsity=0.3)
        price = {
            "standard": (latents.abs() * sae.W_dec.norm(dim=-1)).sum(dim=-1).mean(),
            "topk": torch.zeros(()).double(),
            "jumprelu": (latents != 0).double().sum(dim=-1).mean(),
        }[architecture]
        torch.testing.assert_close(loss.sparsity, 0.3 * price)
        torch.testing.assert_close(loss.mse, ((sae(x) - x) ** 2).sum(dim=-1).mean())
        torch.testing.assert_close(loss.total, loss.mse + loss.sparsity)


def test_scaling_latents_down_and_directions_up_saves_nothing():
    sae, x = make("standard"), inputs()
    before = sae.loss(x, 0.3)
    for parameter, factor in ((sae.W_enc, 0.1), (sae.b_enc, 0.1), (sae.W_dec, 10.0)):
        parameter.data.mul_(factor)
    torch.testing.assert_close(sae.loss(x, 0.3).total, before.total)


@pytest.mark.parametrize("apply", [True, False])
@pytest.mark.parametrize("sparsity", [0.0, 0.3])
def test_written_out_gradients_equal_autograd(architecture, apply, sparsity):
    sae = make(architecture, apply_b_dec_to_input=apply, bandwidth=0.4)
    gradients = Gradients(sae, BATCH)
    for seed in range(3):
        x = inputs(seed)
        loss = gradients(x, sparsity)
        ours = {name: parameter.grad.clone() for name, parameter in sae.named_parameters()}
        expected = sae.loss(x, sparsity)
        autograd = torch.autograd.grad(expected.total, list(sae.parameters()))
        torch.testing.assert_close(loss.total, expected.total.detach())
        torch.testing.assert_close(gradients.latents, sae.encode(x).detach())
        for name, gradient in zip(ours, autograd, strict=True):
            torch.testing.assert_close(ours[name], gradient, rtol=0, atol=1e-12, msg=name)


def test_smooth_gradients_equal_finite_differences():
    """Where no latent is at its kink; JumpReLU's thresholds have no true gradient."""
    for architecture in ("standard", "topk"):
        sae, x = make(architecture), inputs()
        sae.loss(x, 0.3).total.backward()
        for name, parameter in sae.named_parameters():
            flat, step = parameter.data.view(-1), 1e-6
            flat[1] += step
            up = sae.loss(x, 0.3).total.item()
            flat[1] -= 2 * step
            down = sae.loss(x, 0.3).total.item()
            flat[1] += step
            slope = (up - down) / (2 * step)
            assert parameter.grad.view(-1)[1].item() == pytest.approx(slope, abs=1e-6), name


def test_pseudo_gradient_of_a_threshold_by_hand():
    """One input, one latent, a distance of less than half a bandwidth from its threshold."""
    cfg = SAEConfig("jumprelu", 1, 1, dtype="float64", bandwidth=0.5, init_threshold=0.4)
    sae = build_sae(cfg)
    sae.W_enc.data.fill_(1.0)
    sae.W_dec.data.fill_(1.0)
    x = torch.tensor([[0.5]], dtype=torch.float64)
    loss = sae.loss(x, sparsity=3.0)
    loss.total.backward()
    assert sae.encode(x).item() == 0.5
    # The reconstruction is exact, so only the price speaks: -sparsity / bandwidth.
    assert sae.threshold.grad.item() == pytest.approx(-3.0 / 0.5)
    sae.W_dec.data.fill_(2.0)
    sae.zero_grad()
    sae.loss(x).total.backward()
    # d mse / d latent is 2 * 0.5 * 2; times -threshold / bandwidth.
    assert sae.threshold.grad.item() == pytest.approx(-0.4 / 0.5 * 2.0)
    sae.zero_grad()
    sae.loss(x + 0.5, sparsity=3.0).total.backward()
    assert sae.threshold.grad.item() == 0.0


def test_before_training_directions_have_norm_one_and_biases_are_zero(architecture):
    k = K if architecture == "topk" else None
    sae = build_sae(SAEConfig(architecture, D_IN, D_SAE, k=k, seed=4))
    torch.testing.assert_close(sae.W_dec.norm(dim=-1), torch.ones(D_SAE))
    assert torch.equal(sae.W_enc, sae.W_dec.T)
    assert sae.b_enc.abs().max() == sae.b_dec.abs().max() == 0
    assert sae.W_dec.dtype == torch.float32
    assert sae.double().cfg.dtype == "float64"


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"architecture": "relu"}, "expected one of 'standard', 'topk', 'jumprelu'"),
        ({"architecture": "topk"}, "expected 1 to d_sae=9"),
        ({"architecture": "topk", "k": 10}, "expected 1 to d_sae=9"),
        ({"architecture": "standard", "k": 3}, "only 'topk' has a k"),
        ({"architecture": "standard", "d_in": 0}, "positive whole number"),
        ({"architecture": "standard", "dtype": "float16"}, "dtype='float16'"),
        ({"architecture": "jumprelu", "bandwidth": 0.0}, "bandwidth > 0"),
    ],
)
def test_configs_that_cannot_be(fields, says):
    with pytest.raises(ValueError, match=says):
        SAEConfig(**({"d_in": D_IN, "d_sae": D_SAE} | fields))


def test_inputs_of_another_width_or_dtype_are_refused(architecture):
    sae = make(architecture)
    with pytest.raises(ValueError, match=r"d_in=5.\nActivations of heads"):
        sae(torch.zeros(2, 6).double())
    with pytest.raises(ValueError, match=r"expected torch\.float64"):
        sae(torch.zeros(2, 5))
    with pytest.raises(ValueError, match="d_sae=9"):
        sae.decode(torch.zeros(2, 5).double())
