"""Editing a hook has the effect its name says, and leaves nothing behind."""

import pytest
import torch
from loops import Loops
from specimens import KINDS, make
from torch.testing import assert_close

from course import HookPoint, UnknownHookError
from course.hooks import HookedModule

EVERY_HOOK = [
    (kind, name)
    for kind in sorted(KINDS)
    for model in [make(kind)]
    for name in [*model.hook_names, *model.hook_names_on_demand]
]


def double(activation, hook):
    return activation * 2


def zero(activation, hook):
    return torch.zeros_like(activation)


def hooks_left(model) -> int:
    points = [module for module in model.modules() if isinstance(module, HookPoint)]
    return sum(len(p.edits) + len(p.records) + len(p._forward_hooks) for p in points)


def bend(activation, hook):
    """An edit that no LayerNorm undoes."""
    return torch.where(activation > 0, 1.5 * activation, activation + 0.25)


@pytest.mark.parametrize(("kind", "name"), EVERY_HOOK)
def test_editing_a_hook_equals_editing_the_loops(kind, name, tokens):
    model = make(kind)
    loops = Loops(model, edits={name: lambda value: 1.5 * value if value > 0 else value + 0.25})
    expected = torch.tensor(loops(tokens.tolist()), dtype=torch.float64)
    edited = model.run_with_hooks(tokens, fwd_hooks=[(name, bend)])
    assert_close(edited, expected, rtol=1e-9, atol=1e-11)
    assert (edited - model(tokens)).abs().max() > 1e-6


@pytest.mark.parametrize(("kind", "name"), EVERY_HOOK)
def test_editing_in_place_equals_returning(kind, name, tokens):
    model = make(kind)

    def in_place(activation, hook):
        activation *= 2

    expected = model.run_with_hooks(tokens, fwd_hooks=[(name, double)])
    with torch.no_grad():
        edited = model.run_with_hooks(tokens, fwd_hooks=[(name, in_place)])
    assert_close(edited, expected, rtol=1e-12, atol=1e-12)


def test_zeroing_the_middle_of_the_stream_cuts_the_skip_too(gpt2, tokens):
    name = "blocks.0.hook_resid_mid"
    with gpt2.hooks([(name, zero)]):
        _, cache = gpt2.run_with_cache(tokens)
    assert_close(cache["resid_post", 0], cache["mlp_out", 0])


def test_editing_scores_changes_the_pattern(gpt2, tokens):
    def look_at_the_first(scores, hook):
        scores[..., 0] = 1e9
        return scores

    with gpt2.hooks([("blocks.1.attn.hook_attn_scores", look_at_the_first)]):
        _, cache = gpt2.run_with_cache(tokens)
    assert (cache["pattern", 1][..., 0] == 1).all()


def test_editing_the_scale_changes_what_is_normalised(gpt2, tokens):
    _, plain = gpt2.run_with_cache(tokens)
    with gpt2.hooks([("blocks.1.ln2.hook_scale", double)]):
        _, cache = gpt2.run_with_cache(tokens)
    assert_close(cache["normalized", 1, "ln2"], plain["normalized", 1, "ln2"] / 2)


def test_an_edit_reaches_one_position_alone(gpt2, tokens):
    def at_position_3(activation, hook):
        activation[:, 3] = 0
        return activation

    edited = gpt2.run_with_hooks(tokens, fwd_hooks=[("blocks.0.hook_resid_pre", at_position_3)])
    changed = (edited - gpt2(tokens)).abs().amax(dim=(0, 2)) > 1e-6
    assert changed.tolist() == [False, False, False, True, True]


def test_an_edit_of_the_positions_leaves_the_weights_alone(gpt2, tokens):
    before = gpt2.W_pos.clone()

    def fill(activation, hook):
        activation.fill_(7.0)

    with torch.no_grad():
        gpt2.run_with_hooks(tokens, fwd_hooks=[("hook_pos_embed", fill)])
    assert torch.equal(gpt2.W_pos, before)


def test_replacing_by_the_cached_value_changes_nothing(model, tokens):
    logits, cache = model.run_with_cache(tokens)
    patch = [(lambda name: True, lambda activation, hook: cache.get(hook.name))]
    assert_close(model.run_with_hooks(tokens, fwd_hooks=patch), logits, rtol=1e-12, atol=1e-12)


def test_results_of_heads_sum_to_the_output(model, tokens):
    _, cache = model.run_with_cache(tokens, names=lambda name: "hook_result" in name)
    _, plain = model.run_with_cache(tokens)
    b_O = model.blocks[1].attn.b_O
    assert_close(cache["result", 1].sum(dim=2) + b_O, plain["attn_out", 1])


def test_results_of_heads_are_not_computed_unasked(gpt2, tokens):
    point = gpt2.blocks[0].attn.hook_result
    calls = []
    point.forward = calls.append
    gpt2.run_with_cache(tokens)
    assert calls == []


def test_removing_a_heads_result_equals_removing_its_z(gpt2, tokens):
    def remove_head_1(activation, hook):
        activation[:, :, 1] = 0

    with torch.no_grad():
        by_result, by_z = (
            gpt2.run_with_hooks(tokens, fwd_hooks=[(f"blocks.0.attn.{name}", remove_head_1)])
            for name in ("hook_result", "hook_z")
        )
    assert_close(by_result, by_z, rtol=1e-12, atol=1e-12)


def test_functions_at_one_hook_run_in_the_order_given(gpt2, tokens):
    def add_one(activation, hook):
        return activation + 1

    name = "hook_embed"
    with gpt2.hooks([(name, double), (name, add_one)]):
        _, cache = gpt2.run_with_cache(tokens, names=name)
    assert_close(cache[name], gpt2.W_E[tokens] * 2 + 1)


def test_where_can_be_a_name_a_list_or_a_function(gpt2, tokens):
    names = [f"blocks.{layer}.hook_attn_out" for layer in range(2)]
    by_list = gpt2.run_with_hooks(tokens, fwd_hooks=[(names, zero)])
    by_pairs = gpt2.run_with_hooks(tokens, fwd_hooks=[(name, zero) for name in names])
    by_function = gpt2.run_with_hooks(
        tokens, fwd_hooks=[(lambda name: name.endswith("attn_out"), zero)]
    )
    assert torch.equal(by_list, by_pairs)
    assert torch.equal(by_list, by_function)


def test_a_function_knows_where_it_is(gpt2, tokens):
    visited = []
    everywhere = [(lambda name: "result" not in name, lambda x, hook: visited.append(hook.name))]
    gpt2.run_with_hooks(tokens, fwd_hooks=everywhere)
    assert visited == gpt2.hook_names


def test_hooks_nest_and_come_off_one_by_one(gpt2, tokens):
    plain = gpt2(tokens)
    with gpt2.hooks([("hook_embed", double)]):
        once = gpt2(tokens)
        with gpt2.hooks([("hook_embed", double)]):
            assert not torch.equal(gpt2(tokens), once)
        assert torch.equal(gpt2(tokens), once)
    assert torch.equal(gpt2(tokens), plain)
    assert hooks_left(gpt2) == 0


def boom(activation, hook):
    raise RuntimeError("boom")


def test_hooks_are_removed_after_an_exception_in_a_hook(gpt2, tokens):
    with pytest.raises(RuntimeError, match="boom"):
        gpt2.run_with_hooks(tokens, fwd_hooks=[("hook_embed", double), ("hook_embed", boom)])
    assert hooks_left(gpt2) == 0


def test_hooks_are_removed_after_an_exception_in_the_block(gpt2):
    with pytest.raises(KeyboardInterrupt), gpt2.hooks([("hook_embed", double)]):
        raise KeyboardInterrupt
    assert hooks_left(gpt2) == 0


def test_records_are_removed_after_an_exception(gpt2, tokens):
    with gpt2.hooks([("unembed.hook_in", boom)]), pytest.raises(RuntimeError, match="boom"):
        gpt2.run_with_cache(tokens)
    with pytest.raises(ValueError, match="n_ctx"):
        gpt2.run_with_cache(tokens.repeat(1, 9))
    assert hooks_left(gpt2) == 0


def test_nothing_is_attached_when_one_name_is_wrong(gpt2, tokens):
    with pytest.raises(UnknownHookError):
        gpt2.run_with_hooks(tokens, fwd_hooks=[("hook_embed", double), ("hook_embedd", double)])
    assert hooks_left(gpt2) == 0


@pytest.mark.parametrize(
    ("replacement", "kind", "problem"),
    [
        (lambda x: x[:, :1], ValueError, r"shape \(2, 1, 6\).*expected.*\(2, 5, 6\)"),
        (lambda x: x.mean(0), ValueError, "keepdim=True"),
        (lambda x: x.float(), TypeError, r"torch.float32.*expected.*torch.float64"),
        (lambda x: 0.0, TypeError, "returned float.*or None"),
    ],
)
def test_a_replacement_that_does_not_fit_is_refused(gpt2, tokens, replacement, kind, problem):
    with pytest.raises(kind, match=problem) as error:
        gpt2.run_with_hooks(
            tokens, fwd_hooks=[("blocks.0.hook_resid_pre", lambda x, hook: replacement(x))]
        )
    assert error.match(r"blocks\.0\.hook_resid_pre")


@pytest.mark.parametrize("hooks", [("hook_embed", double), [("hook_embed", "double")]])
def test_hooks_that_are_not_pairs_are_refused(gpt2, tokens, hooks):
    with pytest.raises(TypeError, match=r"fwd_hooks=\[\(name, function\)\]"):
        gpt2.run_with_hooks(tokens, fwd_hooks=hooks)


def test_torchs_own_forward_hooks_work_on_a_hook_point(gpt2, tokens):
    handle = gpt2.blocks[0].hook_attn_out.register_forward_hook(lambda *args: args[-1] * 0)
    by_torch = gpt2(tokens)
    handle.remove()
    by_name = gpt2.run_with_hooks(tokens, fwd_hooks=[("blocks.0.hook_attn_out", zero)])
    assert torch.equal(by_torch, by_name)


def test_torchs_own_hooks_call_for_results(gpt2, tokens):
    seen = []
    handle = gpt2.blocks[0].attn.hook_result.register_forward_hook(
        lambda module, inputs, output: seen.append(output.shape)
    )
    gpt2(tokens)
    handle.remove()
    assert seen == [(2, 5, 3, 6)]


def test_gradients_flow_to_an_edit(gpt2, tokens):
    shift = torch.zeros(6, dtype=torch.float64, requires_grad=True)
    edited = gpt2.run_with_hooks(
        tokens, fwd_hooks=[("blocks.0.hook_resid_mid", lambda x, hook: x + shift)]
    )
    edited[..., 0].sum().backward()
    assert shift.grad.abs().min() > 0


def test_an_activation_seen_by_a_hook_can_keep_its_gradient(gpt2, tokens):
    seen = []

    def keep(activation, hook):
        activation.retain_grad()
        seen.append(activation)

    gpt2.run_with_hooks(tokens, fwd_hooks=[("blocks.0.attn.hook_z", keep)])[..., 0].sum().backward()
    assert seen[0].grad.abs().max() > 0


def test_a_hooked_module_need_not_be_a_transformer():
    class Half(HookedModule):
        def __init__(self):
            super().__init__()
            self.hook_half = HookPoint()
            self._name_hook_points()

        def forward(self, x):
            return self.hook_half(x / 2)

    half = Half()
    output, cache = half.run_with_cache(torch.ones(3))
    assert cache["half"] is output
    assert half.run_with_hooks(torch.ones(3), fwd_hooks=[("hook_half", double)]).tolist() == [1] * 3
