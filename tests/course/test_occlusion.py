"""Occlusion and replacement: loops, and one anchor by hand."""

import pytest
import torch
from torch.testing import assert_close

from course.as_functions import token_game
from course.metrics import logit_difference
from course.occlusion import leave_one_out, occlude, replace_one

METRIC = logit_difference(torch.tensor([1, 2]), 5, pos=torch.tensor([3, 4]))


def test_replace_one_is_the_table_of_a_loop(model, tokens):
    candidates = torch.tensor([8, 7, 0])
    table = replace_one(model, tokens, candidates, METRIC)
    assert table.shape == (2, 5, 3)
    for pos, index in [(0, 0), (1, 1), (3, 2), (4, 0)]:
        other = tokens.clone()
        other[:, pos] = candidates[index]
        assert_close(table[:, pos, index], METRIC(model(other)) - METRIC(model(tokens)))
    assert (table[0, 1, 1], table[0, 0, 2]) == (0, 0)  # what stood there already


def test_later_tokens_cannot_matter(gpt2, tokens):
    assert (replace_one(gpt2, tokens, torch.tensor([8]), METRIC)[0, 4] == 0).all()


@pytest.mark.parametrize("window", [1, 2, 5])
def test_occlude_is_the_table_of_a_loop(gpt2, tokens, window):
    falls = occlude(gpt2, tokens, 8, METRIC, window=window)
    assert falls.shape == (2, 6 - window)
    for start in range(6 - window):
        other = tokens.clone()
        other[:, start : start + window] = 8
        assert_close(falls[:, start], METRIC(gpt2(tokens)) - METRIC(gpt2(other)))


def test_the_filler_matters(gpt2, tokens):
    assert (occlude(gpt2, tokens, 8, METRIC) - occlude(gpt2, tokens, 6, METRIC)).abs().max() > 0.01


def test_leave_one_out_of_a_model_is_occlusion(gpt2, tokens):
    metric = logit_difference(1, 2)
    game = token_game(gpt2, tokens[0], 8, metric)
    assert_close(leave_one_out(game, 5), occlude(gpt2, tokens[:1], 8, metric)[0])


def test_neither_of_two_that_say_the_same_is_missed():
    assert_close(
        leave_one_out(lambda c: c.any(dim=1).double(), 2), torch.zeros(2, dtype=torch.float64)
    )


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda m, t: replace_one(m, t, torch.tensor([], dtype=torch.long), METRIC), "candidates"),
        (lambda m, t: replace_one(m, t, torch.tensor([11]), METRIC), "0 to 10"),
        (lambda m, t: replace_one(m, t[0], torch.tensor([1]), METRIC), "batch axis"),
        (lambda m, t: occlude(m, t, -1, METRIC), "0 to 10"),
        (lambda m, t: occlude(m, t, 1, METRIC, window=6), "1 to 5"),
        (lambda m, t: leave_one_out(lambda c: c.sum(1), 0), "1 or more"),
    ],
)
def test_bad_input(gpt2, tokens, call, said):
    with pytest.raises(ValueError, match=said):
        call(gpt2, tokens)
