"""The repeated-random-tokens task."""

from __future__ import annotations

import pytest
import torch

from course.zoo import BOS, repeated_tokens


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_is_a_bos_and_the_same_tokens_twice():
    tokens = repeated_tokens(50, 7, 12, seeded())
    assert tokens.shape == (50, 15)
    assert tokens.dtype == torch.long
    assert (tokens[:, 0] == BOS).all()
    assert torch.equal(tokens[:, 1:8], tokens[:, 8:])
    assert set(tokens[:, 1:].unique().tolist()) == set(range(1, 12))


def test_without_bos_only_the_bos_is_missing():
    with_bos = repeated_tokens(5, 7, 12, seeded())
    without = repeated_tokens(5, 7, 12, seeded(), bos=False)
    assert torch.equal(with_bos[:, 1:], without)


def test_distinct_tokens_differ_within_a_copy_and_reach_every_id():
    tokens = repeated_tokens(200, 7, 12, seeded(), distinct=True)
    assert all(len(set(copy)) == 7 for copy in tokens[:, 1:8].tolist())
    assert set(tokens[:, 1:].unique().tolist()) == set(range(1, 12))
    assert repeated_tokens(1, 11, 12, seeded(), distinct=True)[0, 1:12].unique().numel() == 11


def test_plain_tokens_may_repeat():
    tokens = repeated_tokens(200, 7, 12, seeded())
    assert any(len(set(copy)) < 7 for copy in tokens[:, 1:8].tolist())


def test_the_generator_decides():
    first = repeated_tokens(5, 7, 12, seeded(1))
    assert torch.equal(first, repeated_tokens(5, 7, 12, seeded(1)))
    assert not torch.equal(first, repeated_tokens(5, 7, 12, seeded(2)))


@pytest.mark.parametrize(("batch", "period", "d_vocab"), [(0, 3, 9), (1, 0, 9), (1, 3, 1)])
def test_refuses_sizes_that_make_no_sequence(batch, period, d_vocab):
    with pytest.raises(ValueError, match="at least"):
        repeated_tokens(batch, period, d_vocab)


def test_refuses_more_distinct_tokens_than_there_are():
    with pytest.raises(ValueError, match="cannot draw 12 distinct tokens from 11"):
        repeated_tokens(1, 12, 12, distinct=True)
