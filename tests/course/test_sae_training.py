"""Training finds features that are known, repeats itself, and revives the dead."""

from __future__ import annotations

import pytest
import torch

from course.sae import SAEConfig, build_sae
from course.sae_matching import match_directions
from course.sae_metrics import dead_fraction, fvu, l0
from course.sae_training import normalise_decoder, resample, train_sae
from course.synthetic_features import synthetic_features

TRUTH = synthetic_features(20, 10, 0.05, seed=0)
X = TRUTH.sample(20_000, torch.Generator().manual_seed(1)).activations


def train(architecture="standard", *, steps=400, d_sae=20, **settings):
    k = 2 if architecture == "topk" else None
    cfg = SAEConfig(architecture, 10, d_sae, k=k, seed=settings.pop("init", 2))
    settings = {"sparsity": 0.0, "lr": 1e-2, "batch_size": 256, "progress": False} | settings
    return train_sae(cfg, X, steps=steps, seed=2, **settings)


@pytest.fixture(scope="module")
def tuned():
    return train(sparsity=0.2, steps=1000).sae


def test_a_tuned_price_finds_the_features_and_too_low_a_price_does_not(tuned):
    low = train(sparsity=0.02, steps=1000).sae
    with torch.no_grad():
        found = {sae: match_directions(sae.W_dec, TRUTH.directions) for sae in (tuned, low)}
        assert found[tuned].mean_cosine > 0.9 > 0.82 > found[low].mean_cosine
        assert l0(tuned.encode(X)) < 2.0 < 4.0 < l0(low.encode(X))
        assert fvu(X, low(X)) < fvu(X, tuned(X)) < 0.15


def test_the_price_makes_latents_too_small():
    """One feature, always present at size 1 or absent: the optimum is known in closed form.

    (a - 1)^2 + p a is least at a = 1 - p/2.
    """
    x = torch.tensor([[1.0], [0.0]]).repeat(500, 1)
    cfg = SAEConfig("standard", 1, 1, apply_b_dec_to_input=False)
    sae = build_sae(cfg)
    sae.W_dec.data.fill_(1.0)
    sae.W_enc.data.fill_(1.0)
    optimiser = torch.optim.Adam([sae.W_enc], lr=1e-2)
    for _ in range(500):
        optimiser.zero_grad()
        sae.loss(x, sparsity=0.4).total.backward()
        optimiser.step()
    assert sae.encode(x)[0].item() == pytest.approx(1 - 0.4 / 2, abs=1e-3)


@pytest.mark.parametrize("architecture", ["standard", "topk", "jumprelu"])
def test_each_architecture_learns_and_keeps_directions_at_norm_one(architecture):
    trained = train(architecture, sparsity=0.0 if architecture == "topk" else 0.05)
    torch.testing.assert_close(trained.sae.W_dec.norm(dim=-1), torch.ones(20))
    with torch.no_grad():
        assert fvu(X, trained.sae(X)) < 0.2
    assert trained.losses[-50:].mean() < trained.losses[:20].mean()
    assert all(parameter.grad is None for parameter in trained.sae.parameters())
    if architecture == "jumprelu":
        assert (trained.sae.threshold >= 0).all()


def test_the_same_seeds_give_the_same_sae_and_others_do_not():
    first, same, other = (train(steps=20, sparsity=0.1, init=init) for init in (1, 1, 3))
    assert torch.equal(first.sae.W_dec, same.sae.W_dec)
    assert torch.equal(first.losses, same.losses)
    assert not torch.allclose(first.sae.W_dec, other.sae.W_dec, atol=0.1)


def test_training_leaves_the_world_alone():
    x, state = X.clone(), torch.get_rng_state()
    with torch.no_grad():
        train(steps=10, resample_every=3)
        assert not torch.is_grad_enabled()
    assert torch.equal(X, x)
    assert torch.equal(torch.get_rng_state(), state)


def test_float64_and_fewer_activations_than_a_batch():
    cfg = SAEConfig("standard", 10, 20, dtype="float64")
    trained = train_sae(cfg, X[:5].double(), steps=3, progress=False)
    assert trained.losses.dtype == trained.sae.W_dec.dtype == torch.float64


def test_the_bar_goes_to_stderr(capsys):
    train(steps=3, progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "SAE: 100%" in err


def dead_sae():
    sae = build_sae(SAEConfig("standard", 10, 20, seed=1))
    sae.b_enc.data[[3, 8]] = -100.0
    is_dead = torch.zeros(20, dtype=torch.bool)
    is_dead[[3, 8]] = True
    return sae, is_dead


def test_resampling_gives_the_dead_the_direction_of_a_bad_input():
    sae, is_dead = dead_sae()
    before = {name: value.clone() for name, value in sae.state_dict().items()}
    assert resample(sae, is_dead, X, torch.Generator().manual_seed(0)) == 2
    for name, axis in (("W_dec", 0), ("b_enc", 0), ("W_enc", 1)):
        kept = (~is_dead).nonzero()[:, 0]
        now = sae.state_dict()[name].index_select(axis, kept)
        assert torch.equal(now, before[name].index_select(axis, kept)), name
    inputs = torch.nn.functional.normalize(X[X.norm(dim=-1) > 0], dim=-1)
    assert (inputs @ sae.W_dec[is_dead].T).amax(dim=0).min() > 1 - 1e-5
    torch.testing.assert_close(sae.W_enc[:, is_dead], 0.2 * sae.W_dec[is_dead].T)
    assert sae.b_enc[is_dead].tolist() == [0.0, 0.0]
    assert dead_fraction(sae.encode(X)) == 0


def test_resampling_chooses_by_the_square_of_the_loss():
    """Two kinds of input, with losses 1 and 9: the second is drawn 81 times as often."""
    sae = build_sae(SAEConfig("standard", 2, 400))
    sae.b_enc.data.fill_(-100.0)
    x = torch.tensor([[1.0, 0.0], [0.0, 3.0]])
    is_dead = torch.ones(400, dtype=torch.bool)
    resample(sae, is_dead, x, torch.Generator().manual_seed(0))
    assert 0.96 < sae.W_dec[:, 1].mean() < 1.0
    assert (sae.W_dec[:, 0] == 1).sum() + (sae.W_dec[:, 1] == 1).sum() == 400


def test_resampling_makes_adam_forget():
    sae, is_dead = dead_sae()
    optimiser = torch.optim.Adam(sae.parameters())
    sae.loss(X[:100], 0.1).total.backward()
    optimiser.step()
    resample(sae, is_dead, X, torch.Generator().manual_seed(0), optimiser)
    for name, parameter in sae.named_parameters():
        average = optimiser.state[parameter]["exp_avg_sq"]
        average = average.T if name == "W_enc" else average
        if name != "b_dec":
            assert average[is_dead].abs().max() == 0, name
        assert average.abs().max() > 0, name


def test_nothing_dead_means_nothing_done():
    sae, _ = dead_sae()
    before = sae.W_dec.clone()
    nothing = torch.zeros(20, dtype=torch.bool)
    assert resample(sae, nothing, X, torch.Generator().manual_seed(0)) == 0
    assert torch.equal(sae.W_dec, before)


def test_training_revives_the_dead():
    cfg = SAEConfig("topk", 10, 80, k=1, seed=1)
    settings = {"steps": 250, "lr": 1e-2, "progress": False, "batch_size": 256}
    left = train_sae(cfg, X, **settings).sae
    revived = train_sae(cfg, X, resample_every=50, **settings)
    assert sum(revived.resampled.values()) > 0
    assert all((step + 1) % 50 == 0 for step in revived.resampled)
    with torch.no_grad():
        dead = [dead_fraction(sae.encode(X)) for sae in (left, revived.sae)]
    assert dead[1] < dead[0]


def test_normalising_keeps_directions():
    sae = build_sae(SAEConfig("jumprelu", 10, 20))
    directions = sae.W_dec.detach().clone()
    sae.W_dec.data *= torch.arange(1, 21)[:, None]
    sae.threshold.data[0] = -1.0
    normalise_decoder(sae)
    torch.testing.assert_close(sae.W_dec.detach(), directions)
    assert sae.threshold[0] == 0


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"steps": 0}, "at least one step"),
        ({"lr": 0.0}, "lr > 0"),
        ({"sparsity": float("nan")}, "sparsity >= 0"),
        ({"architecture": "topk", "sparsity": 0.1}, "whose latents have no price"),
        ({"resample_every": 0}, "expected 1 or more"),
    ],
)
def test_settings_that_cannot_be(settings, says):
    with pytest.raises(ValueError, match=says):
        train(**({"steps": 3} | settings))


@pytest.mark.parametrize(
    ("x", "says"),
    [
        (X[0], r"activations of shape \(10,\)"),
        (X[:, :3], "d_in=10"),
        (X[:0], "n of at least 1"),
        (X.double(), "torch.float64"),
        (torch.full((4, 10), float("nan")), "NaN or infinity"),
    ],
)
def test_activations_that_cannot_be_trained_on(x, says):
    with pytest.raises(ValueError, match=says):
        train_sae(SAEConfig("standard", 10, 20), x, steps=3, progress=False)
