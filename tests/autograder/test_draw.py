"""Random inputs that are the same on every machine."""

import pytest
import torch

from autograder.draw import Draw, DrawError


def test_a_seed_decides_everything():
    def some(seed):
        draw = Draw(seed)
        return draw.integer(0, 10**9), draw.normal(2, 3).tolist(), draw.pattern(1, 2, 4).tolist()

    assert some("public-1") == some("public-1")
    assert some("public-1") != some("public-2")


def test_the_numbers_are_these_on_every_machine():
    draw = Draw("anchor")
    assert [draw.integer(0, 999) for _ in range(3)] == [274, 232, 960]


def test_both_ends_of_a_range_are_drawn():
    draw = Draw("ends")
    assert {draw.integer(2, 4) for _ in range(100)} == {2, 3, 4}
    assert {draw.choice("a", "b") for _ in range(50)} == {"a", "b"}
    assert all(-1 <= draw.uniform(-1, 2) <= 2 for _ in range(100))


def test_tokens_and_distinct_numbers_keep_to_their_bounds():
    draw = Draw("tokens")
    tokens = draw.tokens(50, d_vocab=5, low=2)
    assert set(tokens.tolist()) == {2, 3, 4}
    assert sorted(draw.distinct(3, low=4, high=7).tolist()) == [4, 5, 6]


def test_a_pattern_is_causal_and_its_rows_sum_to_one():
    pattern = Draw("pattern").pattern(2, 3, 5)
    assert pattern.shape == (2, 3, 5, 5)
    assert torch.allclose(pattern.sum(-1), torch.ones(2, 3, 5))
    assert (pattern.triu(1) == 0).all()


def test_drawing_again_has_an_end():
    assert Draw("again").until(lambda draw: draw.integer(0, 9), lambda drawn: drawn == 7) == 7
    with pytest.raises(DrawError, match="none of 1000 draws from 'never' is good enough"):
        Draw("never").until(lambda draw: draw.integer(0, 9), lambda drawn: drawn > 9)


def test_normal_numbers_have_the_mean_and_the_scale():
    numbers = Draw("normal").normal(10_000, scale=0.5, mean=3.0)
    assert abs(numbers.mean() - 3) < 0.05
    assert abs(numbers.std() - 0.5) < 0.05
