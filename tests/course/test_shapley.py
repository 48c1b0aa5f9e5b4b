"""Shapley values: the axioms and brute force over orders, and what they are not."""

import itertools

import pytest
import torch
from games import N, table
from torch.testing import assert_close

from course.as_functions import all_coalitions, token_game
from course.metrics import logit_difference
from course.occlusion import leave_one_out
from course.shapley import shapley_values, shapley_weights


def by_orders(game, n):
    """Average what each player adds over all orders, one at a time."""
    total = torch.zeros(n, dtype=torch.float64)
    orders = list(itertools.permutations(range(n)))
    for order in orders:
        present = torch.zeros(1, n, dtype=torch.bool)
        for player in order:
            before = game(present)[0]
            present = present.clone()
            present[0, player] = True
            total[player] += game(present)[0] - before
    return total / len(orders)


def banzhaf(game, n):
    coalitions = all_coalitions(n)
    return game(coalitions) @ (coalitions.double() * 2 - 1) / 2 ** (n - 1)


@pytest.mark.parametrize("n", [1, 2, 3, 5])
@pytest.mark.parametrize("seed", [0, 1])
def test_brute_force(n, seed):
    assert_close(shapley_values(table(seed, n), n), by_orders(table(seed, n), n))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_axioms(seed):
    game, other = table(seed), table(seed + 10)
    values = shapley_values(game, N)
    ends = game(all_coalitions(N)[[0, -1]])
    assert_close(values.sum(), ends[1] - ends[0])  # efficient
    both = shapley_values(lambda c: game(c) + 3 * other(c), N)
    assert_close(both, values + 3 * shapley_values(other, N))  # additive
    swapped = shapley_values(lambda c: game(c) + game(c[:, [1, 0, 2, 3]]), N)
    assert_close(swapped[0], swapped[1])  # symmetric
    blind = shapley_values(lambda c: game(c & torch.tensor([True, True, False, True])), N)
    assert_close(blind[2], torch.zeros((), dtype=torch.float64))  # null


def test_it_is_neither_banzhaf_nor_leave_one_out():
    game = table(0)
    values = shapley_values(game, N)
    for other in (banzhaf, leave_one_out):
        assert (other(game, N) - values).abs().max() > 0.1


def test_glove_game():
    def gloves(coalitions):  # one left glove, two right ones: a pair is worth 1
        return (coalitions[:, 0] & coalitions[:, 1:].any(dim=1)).double()

    expected = torch.tensor([4, 1, 1], dtype=torch.float64) / 6
    assert_close(shapley_values(gloves, 3), expected)


def test_weights_are_parts_of_all_orders():
    assert_close(shapley_weights(3), torch.tensor([1 / 3, 1 / 6, 1 / 3], dtype=torch.float64))


def test_tokens_of_a_model(gpt2, tokens):
    metric = logit_difference(1, 2)
    game = token_game(gpt2, tokens[0], 8, metric, players=[1, 2, 4])
    values = shapley_values(game, 3)
    assert values.dtype == torch.float64
    difference = metric(gpt2(tokens[:1])) - metric(gpt2(torch.tensor([[0, 8, 8, 7, 8]])))
    assert_close(values.sum(), difference[0])
    assert_close(values, by_orders(game, 3))


def test_a_dozen_players_and_whole_numbers():
    assert_close(shapley_values(lambda c: c.sum(1), 12), torch.ones(12, dtype=torch.float64))


def test_too_many_players():
    with pytest.raises(ValueError, match="There are 2\\^n coalitions"):
        shapley_values(lambda c: c.sum(1), 20)
