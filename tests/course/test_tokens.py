"""Tokens that a model cannot read are told what is wrong and what to do."""

import pytest
import torch


@pytest.mark.parametrize(
    ("tokens", "problem", "remedy"),
    [
        ([[1, 2]], "list", "torch.tensor"),
        (torch.tensor([[1.0, 2.0]]), "torch.float32", "token ids are int64"),
        (torch.tensor([[True]]), "torch.bool", "token ids are int64"),
        (torch.tensor([1, 2]), r"shape \(2,\)", r"tokens\[None\]"),
        (torch.zeros(1, 2, 3, dtype=torch.int64), r"shape \(1, 2, 3\)", "batch axis"),
        (torch.zeros(1, 10, dtype=torch.int64), "10 positions", "n_ctx=9"),
        (torch.tensor([[1, 11]]), "from 1 to 11", "0 to 10"),
        (torch.tensor([[-1, 3]]), "from -1 to 3", "-100 may mark padding"),
    ],
)
def test_bad_tokens_are_told_what_is_wrong_and_what_to_do(gpt2, tokens, problem, remedy):
    with pytest.raises(ValueError, match=problem) as error:
        gpt2(tokens)
    assert error.match(remedy)


def test_int32_tokens_are_read(gpt2, tokens):
    assert torch.equal(gpt2(tokens.int()), gpt2(tokens))


def test_the_longest_sequence_and_the_highest_token_are_read(gpt2):
    assert gpt2(torch.full((1, 9), 10)).shape == (1, 9, 11)
