"""Shipped SAEs load, hold to their cards, and can be made for any model."""

from __future__ import annotations

import pytest
import torch
from specimens import make

from course import UnknownHookError, zoo
from course.sae import SAEConfig, random_sae
from course.zoo import UnknownModelError, check, induction_2l, sae_synthetic, saes, store
from course.zoo.recipes import recipe
from course.zoo.sae_on_model import activations_at, measure_on_model, recipe_on_model

HOOK = "blocks.0.hook_resid_post"


@pytest.mark.parametrize("architecture", ["standard", "topk", "jumprelu"])
def test_what_is_saved_is_loaded(architecture, tmp_path):
    k = 3 if architecture == "topk" else None
    sae = random_sae(SAEConfig(architecture, 4, 7, k=k, dtype="float64", bandwidth=0.3))
    first, second = (saes.save("one", sae, tmp_path / folder) for folder in "ab")
    assert first.read_bytes() == second.read_bytes()
    loaded = saes.load("one", tmp_path / "a")
    assert type(loaded) is type(sae)
    assert loaded.cfg == sae.cfg
    x = torch.randn(5, 4, dtype=torch.float64)
    assert torch.equal(loaded(x), sae(x))
    assert saes.names(tmp_path / "a") == ["one"]


def test_shipped_saes_hold_to_their_cards():
    assert {"sae_synthetic_1", "sae_synthetic_2"} <= set(saes.names())
    for name in saes.names():
        assert [row.claim for row in zoo.check_card(name) if not row.ok] == [], name
        assert saes.card(name)["sha256"] == saes.sha256(name)
    assert set(saes.names()).isdisjoint(store.names())


def test_two_seeds_find_most_of_the_features_and_do_not_quite_agree():
    first, second = (saes.card(f"sae_synthetic_{i}")["ground_truth"] for i in (1, 2))
    assert first["share of features matched above 0.9"] >= 0.9
    assert second["share of sae_synthetic_1 matched above 0.9"] < 1.0
    assert abs(first["L0"] - second["L0"]) < 0.1, "or the comparison would be unfair"


def test_another_sae_is_found_out(tmp_path):
    other = random_sae(saes.load("sae_synthetic_1").cfg)
    saes.save("sae_synthetic_1", other, tmp_path)
    store.save_card("sae_synthetic_1", saes.card("sae_synthetic_1"), tmp_path)
    wrong = {row.claim for row in zoo.check_card("sae_synthetic_1", tmp_path) if not row.ok}
    assert {"sha256 of the weights", "FVU", "FVU, bounds"} <= wrong


def test_training_writes_an_sae_and_its_card(tmp_path, monkeypatch):
    monkeypatch.setattr(sae_synthetic, "N_TRAINED", 2000)
    path = zoo.train("sae_synthetic_1", seed=5, steps=3, out=tmp_path, progress=False)
    assert saes.card("sae_synthetic_1", path.parent)["config"]["seed"] == 5
    assert saes.load("sae_synthetic_1", path.parent).cfg.d_sae == 20


def test_an_unknown_sae_is_refused():
    with pytest.raises(UnknownModelError, match="Did you mean 'sae_synthetic_1'"):
        saes.load("sae_synthetic_11")


def sampler(batch, generator):
    return torch.randint(0, 11, (batch, 6), generator=generator)


def test_activations_of_a_model_are_those_it_has():
    model = make("gpt2")
    x = activations_at(model, sampler, HOOK, n=700, seed=3)
    tokens = sampler(64, torch.Generator().manual_seed(3))
    with torch.no_grad():
        expected = model.run_with_cache(tokens)[1][HOOK][:, 1:].flatten(0, 1)
    assert x.shape == (700, 6)
    torch.testing.assert_close(x[: len(expected)], expected)
    assert activations_at(model, sampler, "blocks.1.attn.hook_z", n=5, seed=3).shape == (5, 12)
    with pytest.raises(UnknownHookError):
        activations_at(model, sampler, "nowhere", n=5, seed=3)
    with pytest.raises(ValueError, match="more positions than are left out"):
        activations_at(model, sampler, HOOK, n=5, seed=3, skip=6)


def walks(batch, generator):
    return induction_2l.walks(batch, 63, induction_2l.D_VOCAB, generator)


def test_a_recipe_for_an_sae_on_a_shipped_model(monkeypatch):
    how = recipe_on_model(
        "induction_2l",
        walks,
        HOOK,
        SAEConfig("topk", 64, 256, k=16),
        text="walks on rings",
        seed=1,
        steps=150,
        n=12_000,
        lr=3e-3,
    )
    trained, untrained = how.make(1, 150, False), how.make(1, 1, False)
    model = zoo.load("induction_2l")
    measured, before = (
        measure_on_model(sae, model, walks, HOOK, n=5000) for sae in (trained, untrained)
    )
    assert measured["L0"] <= 16
    assert measured["FVU"] < 0.2 < before["FVU"]
    share = "CE recovered, mean baseline"
    assert before[share] < measured[share] <= 1.0
    assert measured[share] > 0.8
    assert measured["CE of the model"] < measured["CE with the mean"]
    assert how.is_sae
    assert "induction_2l" in how.what


def test_every_sae_recipe_says_so():
    assert recipe("sae_synthetic_2").is_sae
    assert not recipe("gates").is_sae
    assert set(check.check(["sae_synthetic_1"])) == {"sae_synthetic_1"}
