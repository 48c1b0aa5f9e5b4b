"""Linear probes: the normal equations, and what goes wrong without centring, bias or a test set."""

import pytest
import torch
from torch.testing import assert_close

from course.probes import classification_probe, regression_probe


def draw(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("ridge", [0.0, 0.5, 30.0])
def test_the_gradient_of_the_penalised_loss_is_zero(ridge):
    x, targets = draw(40, 5) + 3, draw(40, 2, seed=1) - 2
    probe = regression_probe(x, targets, ridge)
    error = probe(x) - targets
    assert_close(error.sum(dim=0), torch.zeros(2, dtype=torch.float64), rtol=0, atol=1e-10)
    assert_close(x.mT @ error, -ridge * probe.weight, rtol=1e-9, atol=1e-9)


def test_a_linear_map_is_found():
    x, weight = draw(20, 4), draw(4, seed=2)
    probe = regression_probe(x, x @ weight + 7, 0.0)
    assert_close(probe.weight[:, 0], weight)
    assert_close(probe.bias, torch.tensor([7.0], dtype=torch.float64))


def test_more_dimensions_than_examples():
    x, targets = draw(5, 9), draw(5, 1, seed=1)
    exact = regression_probe(x, targets, 0.0)
    assert_close(exact(x), targets)
    assert_close(regression_probe(x, targets, 1e-9).weight, exact.weight, rtol=1e-6, atol=1e-6)


def test_a_shift_of_the_activations_changes_nothing_but_the_bias():
    x, labels = draw(60, 4), torch.arange(60) % 3
    x[:, 0] += labels
    plain, moved = (classification_probe(at, labels, 5.0) for at in (x, x + 100))
    assert_close(plain.weight, moved.weight)
    assert_close(plain(x), moved(x + 100))
    without_centring = torch.linalg.solve(
        (x + 100).mT @ (x + 100) + 5 * torch.eye(4), (x + 100).mT @ (plain(x) * 0 + 1)
    )
    assert (without_centring - moved.weight).abs().max() > 1e-3


def test_two_classes_are_told_apart_in_the_middle_whatever_their_sizes():
    x = torch.tensor([[0.0], [1.0], [9.0], [10.0]])
    probe = classification_probe(x, torch.tensor([0, 0, 1, 1]), 0.0)
    assert probe.classify(torch.tensor([[4.9], [5.1]])).tolist() == [0, 1]
    assert probe.is_correct(x, torch.tensor([0, 0, 1, 0])).tolist() == [True, True, True, False]
    assert probe.weight.dtype == torch.float32


def test_it_reads_noise_from_what_it_was_fitted_on_and_from_nothing_else():
    x, labels = draw(80, 60), torch.randint(2, (80,), generator=torch.Generator().manual_seed(0))
    probe = classification_probe(x[:50], labels[:50], 1e-6)
    assert probe.is_correct(x[:50], labels[:50]).all()
    assert probe.is_correct(x[50:], labels[50:]).double().mean() < 0.8


def test_classes_that_do_not_occur_have_a_score_too():
    probe = classification_probe(draw(6, 2), torch.tensor([0, 2, 0, 2, 2, 0]), 1.0, n_classes=4)
    assert probe(draw(3, 5, 2)).shape == (3, 5, 4)
    assert probe.classify(draw(3, 5, 2)).unique().tolist() in ([0, 2], [0], [2])


X, LABELS = draw(6, 2), torch.tensor([0, 1, 0, 1, 1, 0])


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: classification_probe(X, LABELS.double(), 1.0), "whole number"),
        (lambda: classification_probe(X, LABELS - 1, 1.0), "from -1"),
        (lambda: classification_probe(X, LABELS[:5], 1.0), "each of the 6 examples"),
        (lambda: classification_probe(X, LABELS * 0, 1.0), "two different labels"),
        (lambda: classification_probe(X, LABELS, 1.0, n_classes=1), "two different labels"),
        (lambda: classification_probe(X[None], LABELS, 1.0), "flatten"),
        (lambda: regression_probe(X, LABELS.double(), -1.0), "0 or more"),
        (lambda: regression_probe(X, LABELS.double(), torch.nan), "0 or more"),
        (lambda: regression_probe(X * torch.nan, LABELS.double(), 1.0), "12 of 12"),
        (lambda: regression_probe(X, draw(5), 1.0), "6 rows"),
        (lambda: regression_probe(X[:0], draw(0), 1.0), "at least 2 rows"),
        (lambda: classification_probe(X, LABELS, 1.0).is_correct(X, LABELS[:2]), "6 examples"),
    ],
)
def test_bad_input(call, said):
    with pytest.raises(ValueError, match=said):
        call()
