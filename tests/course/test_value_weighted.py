"""What each query gets from each key: a loop, and a head that looks at nothing."""

import pytest
import torch
from torch.testing import assert_close

from course import UnknownHookError
from course.value_weighted import value_weighted_attention


def test_a_loop(model, tokens):
    cache = model.run_with_cache(tokens)[1]
    found = value_weighted_attention(model, cache, 1)
    pattern, value = cache["pattern", 1], cache["v", 1]
    assert found.shape == pattern.shape
    for batch, head, query, key in [(0, 0, 4, 2), (1, 2, 3, 3), (1, 1, 2, 0), (0, 1, 1, 3)]:
        sent = pattern[batch, head, query, key] * value[batch, key, head] @ model.W_O[1, head]
        assert_close(found[batch, head, query, key], sent.norm())


def test_what_is_sent_adds_up_to_the_result(gpt2, tokens):
    cache = gpt2.run_with_cache(
        tokens, names=["blocks.0.attn.hook_pattern", "blocks.0.attn.hook_v"]
    )[1]
    first = value_weighted_attention(gpt2, cache, 0)[:, :, 0, 0]  # the first query has one key
    result = gpt2.run_with_cache(tokens, names="blocks.0.attn.hook_result")[1]
    assert_close(first, result["result", 0][:, 0].norm(dim=-1))


def test_full_attention_to_what_is_not_read_is_nothing(gpt2, tokens):
    with torch.no_grad():
        gpt2.blocks[0].attn.W_O[1] = 0
    cache = gpt2.run_with_cache(tokens)[1]
    found = value_weighted_attention(gpt2, cache, 0)
    assert (found[:, 1] == 0).all()
    assert (cache["pattern", 0][:, 1].sum(-1) > 0.99).all()
    assert (found[:, 0].sum(-1) > 0).all()


def test_a_cache_without_values(gpt2, tokens):
    cache = gpt2.run_with_cache(tokens, names="blocks.0.attn.hook_pattern")[1]
    with pytest.raises(UnknownHookError, match="is not in this cache"):
        value_weighted_attention(gpt2, cache, 0)
