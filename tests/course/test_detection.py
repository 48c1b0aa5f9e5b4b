"""Detectors: AUROC over all pairs, and thresholds that keep what they promise."""

import pytest
import torch

from course.detection import Rates, auroc, rates, threshold_at_fpr


def draw(n=40, shift=1.0, seed=0):
    generator = torch.Generator().manual_seed(seed)
    is_positive = torch.arange(n) % 3 == 0
    scores = torch.randn(n, generator=generator, dtype=torch.float64) + shift * is_positive
    return (scores * 4).round() / 4, is_positive  # with ties


@pytest.mark.parametrize("seed", [0, 1])
def test_auroc_is_the_chance_over_all_pairs(seed):
    scores, is_positive = draw(seed=seed)
    wins = [
        1.0 if one > other else 0.5 if one == other else 0.0
        for one in scores[is_positive].tolist()
        for other in scores[~is_positive].tolist()
    ]
    found = auroc(scores, is_positive)
    assert found.mean == pytest.approx(sum(wins) / len(wins))
    assert found.low < found.mean < found.high
    assert found.n == 40


def test_auroc_sees_the_order_only():
    scores, is_positive = draw()
    assert auroc(scores.exp(), is_positive) == auroc(scores, is_positive)
    assert auroc(-scores, is_positive).mean == pytest.approx(1 - auroc(scores, is_positive).mean)
    assert auroc(is_positive.double(), is_positive).mean == 1
    assert auroc(torch.zeros(40), is_positive).mean == 0.5


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    truth = 0.5 * (1 + torch.erf(torch.tensor(0.5)).item())  # of a shift by 1: Phi(1 / sqrt 2)
    covered = 0
    for seed in range(100):
        generator = torch.Generator().manual_seed(seed)
        is_positive = torch.arange(100) % 2 == 0
        scores = torch.randn(100, generator=generator) + is_positive.float()
        found = auroc(scores, is_positive, resamples=200, seed=seed)
        covered += found.low <= truth <= found.high
    assert 86 <= covered <= 99


@pytest.mark.parametrize("fpr", [0.0, 0.05, 0.1, 0.29, 0.5, 0.999])
@pytest.mark.parametrize("rounded", [False, True])
def test_the_threshold_is_the_lowest_that_keeps_the_rate(fpr, rounded):
    scores = torch.randn(100, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    scores = scores.round() if rounded else scores
    threshold = threshold_at_fpr(scores, fpr)
    exceeding = (scores > threshold).double().mean()
    assert exceeding <= fpr + 1e-12
    below = scores[scores < threshold]
    if len(below):
        assert (scores > below.max()).double().mean() > fpr
    if not rounded:
        assert exceeding == pytest.approx(int(fpr * 100 + 1e-9) / 100)


def test_rates_and_what_an_alarm_is_worth():
    scores = torch.tensor([0.1, 0.4, 0.5, 0.9, 0.5, 0.8])
    found = rates(scores, torch.tensor([False, False, False, False, True, True]), 0.5)
    assert found == Rates(tpr=0.5, fpr=0.25, n_positive=2, n_negative=4)
    assert found.precision(0.5) == pytest.approx(2 / 3)
    assert Rates(0.9, 0.01, 100, 100).precision(0.001) == pytest.approx(0.0826, abs=1e-4)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: auroc(torch.rand(4), torch.tensor([True, False, False, False])), "1 positives"),
        (lambda: auroc(torch.rand(4), torch.ones(4)), "torch.bool"),
        (lambda: auroc(*draw(), confidence=1.0), "confidence=1.0"),
        (lambda: auroc(torch.rand(4) / 0, torch.ones(4) > 0), "NaN or infinite"),
        (lambda: threshold_at_fpr(torch.tensor([]), 0.1), "one example at least"),
        (lambda: threshold_at_fpr(torch.rand(3), 1.0), "fpr < 1"),
        (lambda: rates(torch.rand(3), torch.ones(3) > 0, 0.5), "3 positives of 3"),
        (lambda: Rates(0.0, 0.0, 1, 1).precision(0.5), "above all scores"),
        (lambda: Rates(0.5, 0.5, 1, 1).precision(1.5), "0 to 1"),
    ],
)
def test_bad_input(call, said):
    with pytest.raises(ValueError, match=said):
        call()
