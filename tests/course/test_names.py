"""Names and shorthands find their hooks; wrong ones are errors that suggest what was meant."""

import pytest

from course import UnknownHookError
from course.names import near_names


@pytest.mark.parametrize(
    ("shorthand", "full"),
    [
        (("pattern", 0), "blocks.0.attn.hook_pattern"),
        (("resid_post", -1), "blocks.1.hook_resid_post"),
        (("scale", 1, "ln2"), "blocks.1.ln2.hook_scale"),
        (("post", 0, "m"), "blocks.0.mlp.hook_post"),
        (("k", 1, "a"), "blocks.1.attn.hook_k"),
        (("result", 0), "blocks.0.attn.hook_result"),
        (("embed",), "hook_embed"),
        (("normalized",), "ln_final.hook_normalized"),
        (("blocks.0.hook_resid_pre",), "blocks.0.hook_resid_pre"),
    ],
)
def test_shorthand_names(gpt2, shorthand, full):
    assert gpt2.act_name(*shorthand) == full


def double(activation, hook):
    return activation * 2


def test_an_unknown_name_suggests_the_near_match(gpt2, tokens):
    with pytest.raises(UnknownHookError, match=r"mean 'blocks\.0\.attn\.hook_pattern'"):
        gpt2.run_with_hooks(tokens, fwd_hooks=[("blocks.0.attn.hook_patern", double)])


def test_part_of_a_name_suggests_the_whole_names(gpt2, tokens):
    with pytest.raises(
        UnknownHookError, match=r"'blocks\.0\.hook_resid_mid' or 'blocks\.1"
    ) as error:
        gpt2.run_with_hooks(tokens, fwd_hooks=[("hook_resid_mid", double)])
    assert error.match("lambda name")


def test_a_name_like_no_other_says_so(gpt2, tokens):
    with pytest.raises(UnknownHookError, match="No name is close"):
        gpt2.run_with_hooks(tokens, fwd_hooks=[("zzzz", double)])


def test_a_function_that_finds_nothing_is_an_error(gpt2, tokens):
    with pytest.raises(UnknownHookError, match="said no to all"):
        gpt2.run_with_hooks(tokens, fwd_hooks=[(lambda name: "patern" in name, double)])


def test_an_unknown_hook_error_is_a_key_error_that_reads_well(gpt2, tokens):
    with pytest.raises(KeyError) as error:
        gpt2.run_with_hooks(tokens, fwd_hooks=[("hook_embedd", double)])
    assert str(error.value).startswith("Unknown hook name 'hook_embedd'. Did you mean 'hook_embed'")


def test_near_names_put_names_that_hold_the_given_one_first():
    known = ["blocks.0.attn.hook_q", "blocks.0.attn.hook_pattern", "blocks.1.attn.hook_pattern"]
    assert near_names("hook_pattern", known) == known[1:]
    assert near_names("blocks.0.attn.hook_patern", known, count=1) == [known[1]]
    assert near_names("zzz", known) == []
