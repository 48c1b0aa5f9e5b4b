"""LIME: exact where it can be, the least squares of a solver elsewhere, and Shapley's kernel."""

import math

import pytest
import torch
from games import N, table
from torch.testing import assert_close

from course.as_functions import all_coalitions, token_game
from course.lime import lime, lime_kernel
from course.metrics import logit_difference
from course.shapley import shapley_values


def some_weights(seed=0, n=N):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(2**n, generator=generator, dtype=torch.float64) + 0.1


@pytest.mark.parametrize("seed", [0, 1])
def test_exact_on_an_additive_game(seed):
    effects = torch.tensor([2.0, -1.0, 0.0, 5.0], dtype=torch.float64)
    found = lime(lambda c: 7 + c.double() @ effects, N, some_weights(seed))
    assert_close(found.coefficients, effects)
    assert_close(found.intercept, torch.tensor(7.0, dtype=torch.float64))
    assert_close(found(all_coalitions(N)), 7 + all_coalitions(N).double() @ effects)


@pytest.mark.parametrize("ridge", [0.0, 0.7])
def test_the_gradient_of_the_penalised_loss_is_zero(ridge):
    weights, game = some_weights(3), table(5)
    found = lime(game, N, weights, ridge=ridge)
    coalitions = all_coalitions(N)
    error = weights * (found(coalitions) - game(coalitions))
    zero = torch.zeros(N, dtype=torch.float64)
    assert_close(error.sum(), zero[0], rtol=0, atol=1e-12)  # the intercept is not penalised
    assert_close(error @ coalitions.double() + ridge * found.coefficients, zero)


def test_wrong_variants_differ_on_a_game_with_interactions():
    weights, game = lime_kernel(N), table(5)
    right = lime(game, N, weights).coefficients
    design, values = all_coalitions(N).double(), game(all_coalitions(N))
    root = weights.sqrt()[:, None]
    without_intercept = torch.linalg.lstsq(root * design, root * values[:, None]).solution[:, 0]
    unweighted = lime(game, N, torch.ones_like(weights)).coefficients
    for wrong in (without_intercept, unweighted):
        assert (wrong - right).abs().max() > 0.05


def test_with_shapleys_kernel_it_gives_shapley_values():
    sizes = all_coalitions(N).sum(1).tolist()
    weights = [
        (N - 1) / (math.comb(N, size) * size * (N - size)) if 0 < size < N else 1e7
        for size in sizes
    ]
    found = lime(table(2), N, torch.tensor(weights, dtype=torch.float64))
    assert_close(found.coefficients, shapley_values(table(2), N), rtol=1e-5, atol=1e-5)


def test_the_kernel():
    weights = lime_kernel(3, width=0.5)
    assert_close(weights[-1], torch.tensor(1.0, dtype=torch.float64))
    assert_close(weights[0].item(), math.exp(-2))
    assert_close(weights[5].item(), math.exp(-2 * (1 - math.sqrt(2 / 3)) ** 2))


def test_tokens_of_a_model(gpt2, tokens):
    game = token_game(gpt2, tokens[0], 8, logit_difference(1, 2))
    found = lime(game, 5, lime_kernel(5))
    assert found.coefficients.shape == (5,)
    assert found.coefficients.dtype == torch.float64


@pytest.mark.parametrize(
    ("weights", "options", "said"),
    [
        (torch.ones(8), {}, "one for each of the 2\\^n"),
        (-torch.ones(16), {}, "not all 0"),
        (torch.zeros(16), {}, "not all 0"),
        (torch.full((16,), torch.inf), {}, "infinite at both ends"),
        (torch.ones(16), {"ridge": -1}, "ridge of 0"),
        (all_coalitions(4)[:, 1].double(), {}, "undetermined"),
    ],
)
def test_bad_input(weights, options, said):
    with pytest.raises(ValueError, match=said):
        lime(table(0), N, weights, **options)


def test_bad_width():
    with pytest.raises(ValueError, match="positive"):
        lime_kernel(3, width=0)
