"""The cache holds what the model used: all of it, nothing twice, and nothing that changes later."""

import pytest
import torch
from specimens import KINDS, make
from torch.testing import assert_close

from course import ActivationCache, UnknownHookError


def test_running_with_a_cache_does_not_change_the_output(model, tokens):
    logits, cache = model.run_with_cache(tokens)
    assert torch.equal(logits, model(tokens))
    assert cache["unembed.hook_out"] is logits


def test_names_choose_what_is_kept(gpt2, tokens):
    pattern, z = "blocks.1.attn.hook_pattern", "blocks.0.attn.hook_z"
    for names, expected in [
        (pattern, [pattern]),
        ([pattern, z], [z, pattern]),
        (lambda name: "attn.hook_z" in name, [z, "blocks.1.attn.hook_z"]),
    ]:
        _, cache = gpt2.run_with_cache(tokens, names=names)
        assert list(cache) == expected


def test_by_default_results_of_heads_are_left_out(gpt2, tokens):
    _, cache = gpt2.run_with_cache(tokens)
    assert not [name for name in cache if "hook_result" in name]


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        ("blocks.0.attn.hook_patern", r"mean 'blocks\.0\.attn\.hook_pattern'"),
        (["hook_embed", "pattern"], r"'blocks\.0\.attn\.hook_pattern' or"),
        (lambda name: False, "said no to all"),
        ([("pattern", 0)], "act_name"),
    ],
)
def test_a_filter_that_finds_nothing_is_an_error(gpt2, tokens, names, problem):
    with pytest.raises(UnknownHookError, match=problem):
        gpt2.run_with_cache(tokens, names=names)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_no_two_names_are_aliases(kind, tokens):
    """An edit at a hook shows under its own name, and under none that fired before it."""
    model = make(kind)
    _, plain = model.run_with_cache(tokens)
    for index, name in enumerate(model.hook_names):
        with model.hooks([(name, lambda x, hook: 1.5 * x + 0.25)]):
            _, edited = model.run_with_cache(tokens)
        earlier = model.hook_names[:index]
        assert all(torch.equal(edited[other], plain[other]) for other in earlier), name
        assert not torch.equal(edited[name], plain[name]), name


def fill(activation, hook):
    activation.fill_(3.0)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_editing_in_place_later_does_not_change_what_is_cached(kind, tokens):
    model = make(kind)
    with torch.no_grad():
        _, plain = model.run_with_cache(tokens)
        for index, name in enumerate(model.hook_names):
            with model.hooks([(name, fill)]):
                _, edited = model.run_with_cache(tokens)
            for other in model.hook_names[:index]:
                assert torch.equal(edited[other], plain[other]), (name, other)


def test_a_training_step_does_not_change_what_is_cached(gpt2, tokens):
    with torch.no_grad():
        _, cache = gpt2.run_with_cache(tokens)
        before = {name: value.clone() for name, value in cache.items()}
        for parameter in gpt2.parameters():
            parameter += 1
    assert all(torch.equal(cache[name], value) for name, value in before.items())


def test_the_cache_shows_edits(gpt2, tokens):
    with gpt2.hooks([("blocks.0.hook_mlp_out", lambda x, hook: x * 0)]):
        _, cache = gpt2.run_with_cache(tokens)
    assert (cache["mlp_out", 0] == 0).all()
    assert_close(cache["resid_post", 0], cache["resid_mid", 0])


def test_the_cache_keeps_no_more_memory_than_its_tensors(model, tokens):
    with torch.no_grad():
        _, cache = model.run_with_cache(tokens)
    for name, value in cache.items():
        held = value.untyped_storage().nbytes()
        assert held == value.numel() * value.element_size(), name


def test_the_cache_does_not_copy(gpt2, tokens):
    with torch.no_grad():
        _, cache = gpt2.run_with_cache(tokens)
    assert cache["resid_post", 0] is cache["resid_pre", 1]


def test_gradients_flow_from_the_cache(gpt2, tokens):
    _, cache = gpt2.run_with_cache(tokens, names="blocks.0.hook_resid_mid")
    cache["resid_mid", 0].sum().backward()
    assert gpt2.W_E.grad.abs().max() > 0
    assert gpt2.W_U.grad is None


def test_gradients_with_respect_to_a_cached_activation(gpt2, tokens):
    logits, cache = gpt2.run_with_cache(tokens)
    (grad,) = torch.autograd.grad(logits[:, -1, 0].sum(), cache["resid_pre", 1])
    assert grad.abs().max() > 0


def test_under_no_grad_the_cache_holds_no_graph(gpt2, tokens):
    with torch.no_grad():
        _, cache = gpt2.run_with_cache(tokens)
    assert not any(value.requires_grad for value in cache.values())


def test_one_cache_inside_another_call(gpt2, tokens):
    inner = []

    def look_again(activation, hook):
        if not inner:
            inner.append(None)
            inner[0] = gpt2.run_with_cache(tokens[:1], names="hook_embed")[1]

    with gpt2.hooks([("blocks.1.hook_resid_pre", look_again)]):
        _, outer = gpt2.run_with_cache(tokens, names="unembed.hook_in")
    assert list(inner[0]) == ["hook_embed"]
    assert list(outer) == ["unembed.hook_in"]
    assert outer["unembed.hook_in"].shape[0] == 2


def test_shorthand_and_full_name_are_one_tensor(gpt2, tokens):
    _, cache = gpt2.run_with_cache(tokens)
    assert cache["pattern", 0] is cache["blocks.0.attn.hook_pattern"]
    assert cache["resid_post", -1] is cache["blocks.1.hook_resid_post"]
    assert cache["scale", 0, "ln2"] is cache["blocks.0.ln2.hook_scale"]
    assert cache["embed"] is cache["hook_embed"]
    assert cache["scale"] is cache["ln_final.hook_scale"]
    assert cache["blocks.0.attn.hook_pattern"].shape == (2, 3, 5, 5)


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        (("patern", 0), r"mean 'blocks\.0\.attn\.hook_pattern'"),
        (("scale", 0), r"\('scale', 0, 'ln1'\)"),
        (("pattern", 2), "2 layers, numbered 0 to 1"),
        (("pattern", -3), "2 layers"),
        ("pattern", r"'blocks\.0\.attn\.hook_pattern' or 'blocks\.1"),
        ("hook_embedd", "hook_embed"),
        (("embed", 0), "hook_embed"),
    ],
)
def test_a_key_that_does_not_exist_suggests_one_that_does(gpt2, tokens, key, problem):
    _, cache = gpt2.run_with_cache(tokens)
    with pytest.raises(UnknownHookError, match=problem):
        cache[key]


def test_a_key_that_was_not_asked_for_says_how_to_ask(gpt2, tokens):
    _, cache = gpt2.run_with_cache(tokens, names="hook_embed")
    with pytest.raises(
        UnknownHookError, match=r"not in this cache.*\n.*run_with_cache\(tokens, na"
    ):
        cache["pattern", 0]


def test_a_negative_layer_counts_the_models_layers_not_the_caches(gpt2, tokens):
    _, cache = gpt2.run_with_cache(tokens, names="blocks.0.hook_resid_post")
    with pytest.raises(UnknownHookError, match="not in this cache"):
        cache["resid_post", -1]


def test_membership_follows_the_keys(gpt2, tokens):
    _, cache = gpt2.run_with_cache(tokens, names="blocks.0.attn.hook_pattern")
    assert "blocks.0.attn.hook_pattern" in cache
    assert ("pattern", 0) in cache
    assert ("pattern", 1) not in cache
    assert 3 not in cache
    assert cache.get("hook_embed") is None


def test_the_cache_cannot_be_written(gpt2, tokens):
    _, cache = gpt2.run_with_cache(tokens)
    with pytest.raises(TypeError):
        cache["hook_embed"] = torch.zeros(1)


def test_stacking_one_activation_over_layers(gpt2, tokens):
    _, cache = gpt2.run_with_cache(tokens)
    stack = cache.stack_activation("pattern")
    assert stack.shape == (2, 2, 3, 5, 5)
    assert torch.equal(stack[1], cache["pattern", 1])
    assert torch.equal(cache.stack_activation("scale", "ln2")[0], cache["scale", 0, "ln2"])


def test_a_printed_cache_shows_names_and_shapes(gpt2, tokens):
    _, cache = gpt2.run_with_cache(tokens, names="hook_embed")
    assert repr(cache) == "ActivationCache of 1 activations:\n  hook_embed: (2, 5, 6)"


def test_a_cache_can_be_made_by_hand():
    cache = ActivationCache({"blocks.0.hook_mlp_out": torch.ones(2)})
    assert cache["mlp_out", 0].tolist() == [1, 1]
