"""The two scores, against loops and against patterns whose score is known."""

from __future__ import annotations

import pytest
import torch

from course.zoo.scores import induction_score, previous_token_score


def patterns(batch: int, heads: int, pos: int) -> torch.Tensor:
    scores = torch.randn(batch, heads, pos, pos, generator=torch.Generator().manual_seed(0))
    return scores.masked_fill(torch.ones(pos, pos).triu(1).bool(), -torch.inf).softmax(dim=-1)


def test_previous_token_score_is_the_mean_over_queries_but_the_first():
    pattern = patterns(3, 2, 9)
    for head in range(2):
        seen = [pattern[row, head, query, query - 1] for row in range(3) for query in range(1, 9)]
        assert previous_token_score(pattern)[head] == pytest.approx(float(torch.stack(seen).mean()))


@pytest.mark.parametrize("bos", [True, False])
def test_induction_score_is_the_mean_over_queries_in_the_second_copy(bos):
    period = 4
    pattern = patterns(3, 2, 2 * period + bos)
    queries = range(period + bos, 2 * period + bos)
    for head in range(2):
        seen = [pattern[row, head, q, q - period + 1] for row in range(3) for q in queries]
        expected = float(torch.stack(seen).mean())
        assert induction_score(pattern, period, bos=bos)[head] == pytest.approx(expected)


def test_a_head_that_looks_at_the_same_token_is_no_induction_head():
    period, pos = 4, 9
    same_token = torch.eye(pos).roll(-period, dims=1)[None, None]
    assert induction_score(same_token, period) == 0
    assert induction_score(torch.eye(pos).roll(1 - period, dims=1)[None, None], period) == 1


def test_a_pattern_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"shape \(2, 9, 9\)(?s:.*)pattern\[None\]"):
        previous_token_score(patterns(1, 2, 9)[0])
    with pytest.raises(ValueError, match="two positions"):
        previous_token_score(torch.ones(1, 1, 1, 1))
    with pytest.raises(ValueError, match="9 positions for period=4, bos=True"):
        induction_score(patterns(1, 2, 8), 4)
    with pytest.raises(ValueError, match="8 positions for period=4, bos=False"):
        induction_score(patterns(1, 2, 9), 4, bos=False)
    with pytest.raises(ValueError, match="expected"):
        induction_score(patterns(0, 2, 9), 4)
