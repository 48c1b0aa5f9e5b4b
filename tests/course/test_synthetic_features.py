"""Samples are what their sizes say, and as sparse as asked for."""

from __future__ import annotations

import pytest
import torch

from course.synthetic_features import synthetic_features


def test_activations_are_sums_of_the_directions_that_are_present():
    truth = synthetic_features(20, 10, 0.1, dtype=torch.float64)
    x, sizes = truth.sample(50, torch.Generator().manual_seed(0))
    for row, size in zip(x, sizes, strict=True):
        expected = sum(s * d for s, d in zip(size, truth.directions, strict=True))
        torch.testing.assert_close(row, expected)
    torch.testing.assert_close(truth.directions.norm(dim=-1), torch.ones(20).double())


def test_each_feature_is_present_as_often_as_it_should_be():
    chance = torch.linspace(0.0, 1.0, 5)
    truth = synthetic_features(5, 3, chance, smallest=0.5)
    sizes = truth.sample(20_000, torch.Generator().manual_seed(0)).sizes
    often = (sizes != 0).float().mean(dim=0)
    torch.testing.assert_close(often, chance, rtol=0, atol=0.015)
    assert truth.l0 == pytest.approx(2.5)
    present = sizes[sizes != 0]
    assert 0.5 <= present.min() < 0.51
    assert 0.99 < present.max() <= 1.0
    assert present.mean() == pytest.approx(0.75, abs=0.01)


def test_seeds_and_precision():
    first, same, other = (synthetic_features(seed=seed) for seed in (0, 0, 1))
    assert torch.equal(first.directions, same.directions)
    assert not torch.equal(first.directions, other.directions)
    double = synthetic_features(seed=0, dtype=torch.float64)
    samples = [truth.sample(9, torch.Generator().manual_seed(3)) for truth in (first, double)]
    torch.testing.assert_close(samples[0].sizes, samples[1].sizes.float(), rtol=0, atol=0)
    state = torch.get_rng_state()
    first.sample(4, torch.Generator().manual_seed(0))
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"n_features": 0}, "at least one"),
        ({"smallest": 1.5}, "smallest from 0 to 1"),
        ({"probability": 1.5}, "number from 0 to 1"),
        ({"probability": torch.ones(3)}, "one for each of the 20"),
    ],
)
def test_settings_that_cannot_be(settings, says):
    with pytest.raises(ValueError, match=says):
        synthetic_features(**settings)
    with pytest.raises(ValueError, match="batch=0"):
        synthetic_features().sample(0, torch.Generator())
