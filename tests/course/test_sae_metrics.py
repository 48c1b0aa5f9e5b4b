"""Each metric on numbers that can be worked out by hand, and wrong variants that differ."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from specimens import make

from course import UnknownHookError
from course.sae import SAEConfig, build_sae, random_sae
from course.sae_metrics import ce_recovered, dead_fraction, fvu, l0, shrinkage

LATENTS = torch.tensor([[[1.0, 0.0, 0.0], [2.0, 3.0, 0.0]], [[0.0, 0.0, 0.0], [0.5, 0.0, 0.0]]])
HOOK = "blocks.0.hook_resid_post"


def test_l0_counts_along_the_last_axis():
    assert l0(LATENTS) == (1 + 2 + 0 + 1) / 4
    assert l0(LATENTS.flatten(0, 1).T) != l0(LATENTS)


def test_dead_means_zero_on_every_input():
    assert dead_fraction(LATENTS) == pytest.approx(1 / 3)
    assert dead_fraction(LATENTS[:1, :1]) == pytest.approx(2 / 3)


def test_fvu_of_the_mean_is_one_and_of_the_input_zero():
    x = torch.randn(4, 5, 3, dtype=torch.float64) + torch.tensor([5.0, -3.0, 0.0])
    mean = x.flatten(0, 1).mean(dim=0).expand_as(x)
    assert fvu(x, x) == 0.0
    assert fvu(x, mean) == pytest.approx(1.0)
    assert fvu(x, torch.zeros_like(x)) > 1.0, "the mean is taken off, or a large one hides all"
    assert fvu(x, mean + 0.5 * (x - mean)) == pytest.approx(0.25)


def test_shrinkage_is_the_factor_by_which_all_is_too_small():
    x = torch.randn(50, 3, dtype=torch.float64)
    for factor in (0.5, 0.9, 1.0, 1.2):
        assert shrinkage(x, factor * x) == pytest.approx(factor)
    rebuilt = 0.8 * x + 0.3 * torch.randn_like(x)
    factors = torch.linspace(0.3, 2.0, 3401, dtype=torch.float64)
    errors = torch.stack([(rebuilt / factor - x).pow(2).sum() for factor in factors])
    assert shrinkage(x, rebuilt) == pytest.approx(float(factors[errors.argmin()]), abs=1e-3)


@pytest.fixture
def spliced():
    """A model, text that it finds likely (its own), and an SAE."""
    model = make("gpt2")
    tokens = torch.tensor([[0, 7], [4, 4], [0, 3], [0, 9]])
    with torch.no_grad():
        for _ in range(5):
            tokens = torch.cat([tokens, model(tokens)[:, -1:].argmax(dim=-1)], dim=1)
    sae = random_sae(SAEConfig("standard", 6, 20, dtype="float64", seed=1), spread=0.2)
    return model, tokens, sae


def loss(logits, tokens):
    return float(F.cross_entropy(logits[:, :-1].flatten(0, 1), tokens[:, 1:].flatten()))


@pytest.mark.parametrize("kind", ["zero", "mean"])
def test_ce_recovered_by_hand(spliced, kind):
    model, tokens, sae = spliced
    with torch.no_grad():
        logits, cache = model.run_with_cache(tokens)
        x = cache[HOOK]
        mean = x.mean(dim=(0, 1)).expand_as(x)

        def loss_with(value):
            return loss(model.run_with_hooks(tokens, fwd_hooks=[(HOOK, lambda *_: value)]), tokens)

        rebuilt, worst = loss_with(sae(x)), loss_with(mean if kind == "mean" else 0 * x)
    clean = loss(logits, tokens)
    found = ce_recovered(model, tokens, sae, HOOK, kind)
    assert (found.clean, found.kind) == (pytest.approx(clean), kind)
    assert (found.spliced, found.baseline) == (pytest.approx(rebuilt), pytest.approx(worst))
    assert found.share == pytest.approx((worst - rebuilt) / (worst - clean))
    assert (found.lost.n, found.lost.mean) == (4, pytest.approx(rebuilt - clean))


def test_a_baseline_that_does_not_hurt_is_refused(spliced):
    model, tokens, sae = spliced
    with torch.no_grad():
        unlikely = model(tokens).argmin(dim=-1)
    with pytest.raises(ValueError, match="no worse than the model's own"):
        ce_recovered(model, torch.cat([tokens[:, :1], unlikely[:, :1]], dim=1), sae, HOOK, "zero")


def perfect(width):
    """An SAE that changes nothing: a latent for each direction and one for its opposite."""
    sae = build_sae(SAEConfig("standard", width, 2 * width, dtype="float64"))
    one = torch.eye(width, dtype=torch.float64)
    sae.W_dec.data.copy_(torch.cat([one, -one]))
    sae.W_enc.data.copy_(sae.W_dec.data.T)
    return sae


@pytest.mark.parametrize(("hook", "width"), [(HOOK, 6), ("blocks.0.attn.hook_z", 12)])
@pytest.mark.parametrize("kind", ["zero", "mean"])
def test_a_perfect_sae_recovers_everything_heads_too(spliced, hook, width, kind):
    model, tokens, _ = spliced
    found = ce_recovered(model, tokens, perfect(width), hook, kind)
    assert found.share == pytest.approx(1.0)
    assert found.lost.mean == pytest.approx(0.0, abs=1e-12)


def test_the_model_is_left_as_it_was(spliced):
    model, tokens, sae = spliced
    before = model(tokens)
    ce_recovered(model, tokens, sae, HOOK)
    assert torch.equal(model(tokens), before)
    assert not any(point.edits or point.records for point in model._points.values())


def test_what_cannot_be_measured(spliced):
    model, tokens, sae = spliced
    nan, x = torch.full((2, 3), math.nan), torch.ones(4, 3)
    for metric in (l0, dead_fraction):
        with pytest.raises(ValueError, match="NaN or infinity"):
            metric(nan)
        with pytest.raises(ValueError, match="at least one input"):
            metric(torch.zeros(0, 3))
        with pytest.raises(ValueError, match=r"x\[None\]"):
            metric(torch.zeros(3))
    with pytest.raises(ValueError, match="all the same"):
        fvu(x, x)
    with pytest.raises(ValueError, match="equal shapes"):
        fvu(x, x[:2])
    with pytest.raises(ValueError, match="right angles"):
        shrinkage(x, 0 * x)
    with pytest.raises(ValueError, match="expected 'zero' or 'mean'"):
        ce_recovered(model, tokens, sae, HOOK, "median")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="at least two sequences"):
        ce_recovered(model, tokens[:1], sae, HOOK)
    with pytest.raises(UnknownHookError, match="Did you mean"):
        ce_recovered(model, tokens, sae, "blocks.0.hook_resid_pots")
    with pytest.raises(ValueError, match="d_in=6"):
        ce_recovered(model, tokens, sae, "blocks.0.attn.hook_z")
