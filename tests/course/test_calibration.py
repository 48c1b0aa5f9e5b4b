"""Calibration: bins by hand, and the temperature that a search over a grid finds too."""

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from course.calibration import expected_calibration_error, fit_temperature, reliability


def test_bins_include_their_right_end():
    confidence = torch.tensor([0.0, 0.1, 0.2, 0.25, 0.3, 0.7, 1.0], dtype=torch.float64)
    correct = torch.tensor([False, False, True, False, True, True, True])
    table = reliability(confidence, correct, bins=10)
    assert table.count.tolist() == [2, 1, 2, 0, 0, 0, 1, 0, 0, 1]
    assert_close(table.accuracy[2].item(), 0.5)
    assert_close(table.confidence[2].item(), 0.275)
    assert table.accuracy[3].isnan()
    expected = (2 * 0.05 + 0.8 + 2 * 0.225 + 0.3 + 0) / 7
    assert_close(table.ece, expected)
    assert expected_calibration_error(confidence, correct, bins=10) == table.ece


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("bins", [3, 5, 7, 10, 15])
def test_every_edge_belongs_to_the_bin_on_its_left(bins, dtype):
    edges = torch.arange(1, bins + 1, dtype=dtype) / bins
    assert reliability(edges, torch.ones(bins) > 0, bins=bins).count.tolist() == [1] * bins


def test_perfect_and_hopeless():
    sure = torch.ones(4)
    assert expected_calibration_error(sure, sure > 0) == 0
    assert expected_calibration_error(sure, sure < 0) == 1


def draw(sharpness, seed=0, n=400):
    """Return logits whose best temperature is about the sharpness."""
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(n, 4, generator=generator, dtype=torch.float64) * 2
    labels = torch.multinomial(logits.softmax(1), 1, generator=generator)[:, 0]
    return logits * sharpness, labels


@pytest.mark.parametrize("sharpness", [0.25, 1.0, 4.0])
def test_the_temperature_is_where_the_loss_is_least(sharpness):
    logits, labels = draw(sharpness)
    found = fit_temperature(logits, labels)
    assert abs(found / sharpness - 1) < 0.2
    losses = [F.cross_entropy(logits / (found * factor), labels) for factor in (0.999, 1, 1.001)]
    assert losses[1] < min(losses[0], losses[2])
    assert_close(fit_temperature(logits * 3 + 5, labels), 3 * found)


def test_accuracy_stays_and_calibration_mends():
    logits, labels = draw(4.0)
    held_out, truth = draw(4.0, seed=1)
    scaled = held_out / fit_temperature(logits, labels)
    assert (scaled.argmax(1) == held_out.argmax(1)).all()
    errors = [
        expected_calibration_error(*(at.softmax(1).max(1).values, at.argmax(1) == truth))
        for at in (held_out, scaled)
    ]
    assert errors[1] < errors[0] / 3


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: reliability(torch.tensor([1.2]), torch.tensor([True])), "softmax"),
        (lambda: reliability(torch.tensor([0.2]), torch.tensor([True]), bins=0), "bins=0"),
        (lambda: reliability(torch.tensor([]), torch.tensor([]) > 0), "one example at least"),
        (lambda: reliability(torch.tensor([torch.nan]), torch.tensor([True])), "NaN"),
        (lambda: reliability(torch.tensor([0.2]), torch.tensor([1])), "torch.bool"),
        (lambda: fit_temperature(torch.eye(3), torch.arange(3)), "3 are classified right"),
        (lambda: fit_temperature(-torch.eye(3), torch.arange(3)), "0 are classified right"),
        (lambda: fit_temperature(torch.ones(3, 3), torch.arange(3)), "better than a guess"),
        (lambda: fit_temperature(torch.ones(3, 2), torch.arange(3)), "labels up to 2"),
        (lambda: fit_temperature(torch.ones(2, 2), torch.arange(3)), "2 examples"),
    ],
)
def test_bad_input(call, said):
    with pytest.raises(ValueError, match=said):
        call()
