"""A bootstrap interval, against what is known of means."""

import math

import pytest
import torch

from course.intervals import Interval, bootstrap


def draw(n: int, seed: int) -> torch.Tensor:
    return torch.randn(n, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_the_interval_of_many_values_is_that_of_a_normal_mean():
    sample = draw(2000, 0) * 3 + 5
    interval = bootstrap(sample, resamples=4000)
    reach = 1.96 * sample.std().item() / math.sqrt(2000)
    assert interval.mean == pytest.approx(sample.mean().item())
    assert interval.low == pytest.approx(interval.mean - reach, abs=0.1 * reach)
    assert interval.high == pytest.approx(interval.mean + reach, abs=0.1 * reach)
    assert interval.n == 2000


def test_it_covers_the_true_mean_as_often_as_it_says():
    covered = []
    for seed in range(200):
        interval = bootstrap(draw(40, seed), resamples=200, confidence=0.9, seed=seed)
        covered.append(interval.low <= 0 <= interval.high)
    assert 0.83 < sum(covered) / 200 < 0.96


def test_a_wider_confidence_gives_a_wider_interval():
    narrow, wide = (bootstrap(draw(50, 1), confidence=level) for level in (0.5, 0.99))
    assert wide.low < narrow.low < narrow.high < wide.high


def test_equal_values_have_no_width():
    assert bootstrap([2.0, 2.0, 2.0]) == Interval(2.0, 2.0, 2.0, 3)


def test_truths_are_counted():
    assert bootstrap(torch.tensor([True, False, True, True])).mean == 0.75


def test_the_seed_decides_and_the_global_generator_is_left_alone():
    before = torch.get_rng_state()
    assert bootstrap(draw(9, 2), seed=1) == bootstrap(draw(9, 2), seed=1)
    assert bootstrap(draw(9, 2), seed=1) != bootstrap(draw(9, 2), seed=2)
    assert torch.equal(torch.get_rng_state(), before)


def test_values_with_gradients_are_taken_as_they_are():
    assert bootstrap(draw(9, 2).requires_grad_()) == bootstrap(draw(9, 2))


def test_it_prints_what_a_report_needs():
    assert str(Interval(0.83333, 0.75, 0.9, 64)) == "0.8333 [0.75, 0.9], n = 64"


@pytest.mark.parametrize(
    ("values", "options", "says"),
    [
        ([], {}, r"shape \(0,\).*at least 2"),
        ([1.0], {}, "no spread"),
        (torch.ones(2, 3), {}, r"shape \(2, 3\)"),
        ([1.0, math.nan], {}, "1 values of 2"),
        ([1.0, 2.0], {"confidence": 95}, "confidence=95"),
        ([1.0, 2.0], {"resamples": 0}, "resamples=0"),
    ],
)
def test_what_cannot_be_resampled_is_refused(values, options, says):
    with pytest.raises(ValueError, match=says):
        bootstrap(values, **options)
