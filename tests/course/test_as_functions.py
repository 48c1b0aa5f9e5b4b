"""A model as a function of embeddings, and as a game of tokens."""

import itertools

import pytest
import torch
from specimens import make
from torch.testing import assert_close

from course.as_functions import all_coalitions, embed, of_embeddings, play, token_game
from course.metrics import logit_difference


def test_the_embeddings_of_tokens_give_what_the_tokens_give(model, tokens):
    metric = logit_difference(torch.tensor([1, 2]), 5, pos=torch.tensor([3, 4]))
    f = of_embeddings(model, metric)
    assert_close(f(embed(model, tokens)), metric(model(tokens)))


def test_nothing_is_left_behind(gpt2, tokens):
    before = gpt2(tokens)
    of_embeddings(gpt2, logit_difference(1, 2))(torch.zeros(2, 5, 6, dtype=torch.float64))
    assert_close(gpt2(tokens), before)
    assert not embed(gpt2, tokens).requires_grad


def test_all_coalitions_are_all_and_in_binary_order():
    rows = [tuple(row) for row in all_coalitions(3).tolist()]
    assert rows == [row[::-1] for row in itertools.product([False, True], repeat=3)]


@pytest.mark.parametrize("players", [None, [3, 1, -1]])
def test_a_token_game_runs_the_model_on_the_replaced_tokens(gpt2, tokens, players):
    metric = logit_difference(1, 2)
    baseline = torch.tensor([5, 6, 8, 9, 1])
    game = token_game(gpt2, tokens[0], baseline, metric, players=players, rows=3)
    places = [0, 1, 2, 3, 4] if players is None else [3, 1, 4]
    coalitions = all_coalitions(len(places))
    for coalition, value in zip(coalitions.tolist(), game(coalitions), strict=True):
        sequence = tokens[0].clone()
        for place, kept in zip(places, coalition, strict=True):
            if not kept:
                sequence[place] = baseline[place]
        assert_close(value, metric(gpt2(sequence[None]))[0])


def test_one_token_as_baseline(gpt2, tokens):
    games = [
        token_game(gpt2, tokens[0], baseline, logit_difference(1, 2))
        for baseline in (8, torch.full((5,), 8))
    ]
    assert_close(*(play(game, 5)[1] for game in games))


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda m, t: embed(m, t[0]), "expected whole numbers of shape"),
        (lambda m, t: of_embeddings(m, logit_difference(1, 2))(m.W_E), "d_model=6"),
        (lambda m, t: token_game(m, t[0], 11, logit_difference(1, 2)), "0 to 10"),
        (lambda m, t: token_game(m, t[0], 1, logit_difference(1, 2), players=[]), "one at least"),
        (lambda m, t: token_game(m, t[0], 1, logit_difference(1, 2), players=[4, -1]), "different"),
        (lambda m, t: token_game(m, t[0], 1, logit_difference(1, 2))(t > 1)[0:0], None),
        (lambda m, t: token_game(m, t[0], 1, logit_difference(1, 2))(t), "torch.bool"),
        (lambda m, t: all_coalitions(17), "players=\\[...\\]"),
        (lambda m, t: all_coalitions(0), "1 to 16"),
        (lambda m, t: play(lambda c: c.double(), 3), "one number for each"),
        (lambda m, t: play(lambda c: c.sum(1).double().log(), 3), "NaN or infinity for 1 of 8"),
    ],
)
def test_bad_input(gpt2, tokens, call, said):
    if said is None:
        assert not len(call(gpt2, tokens))
        return
    with pytest.raises(ValueError, match=said):
        call(gpt2, tokens)


def test_no_row_reaches_another():
    model = make("rms_rotary")
    metric = logit_difference(1, 2)
    game = token_game(model, torch.tensor([1, 2, 3, 4]), 0, metric)
    coalitions = all_coalitions(4)
    assert_close(game(coalitions)[[5]], game(coalitions[[5]]))
