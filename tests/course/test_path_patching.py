"""One way through the model, and no other."""

import pytest
import torch
from specimens import make
from torch.testing import assert_close

from course import UnknownHookError, zoo
from course.metrics import logit_difference
from course.patching import patch
from course.path_patching import path_patch
from course.sites import Site, grid

OTHER = torch.tensor([[0, 2, 3, 5, 10], [4, 8, 1, 9, 1]])
METRIC = logit_difference(torch.tensor([1, 2]), torch.tensor([3, 4]), torch.tensor([-1, 3]))
LOGITS = {n_layers: Site(f"blocks.{n_layers - 1}.hook_resid_post") for n_layers in (2, 3)}


def attention_and_scales(name: str) -> bool:
    return name.endswith(("hook_pattern", "hook_scale"))


@pytest.mark.parametrize("kind", ["attn_only", "bare"])
@pytest.mark.parametrize("seed", [0, 1])
def test_with_attention_frozen_the_paths_sum_to_the_total(kind, seed, tokens):
    model = make(kind, seed=seed, n_layers=3)
    senders = grid(model, "z", "layer head")
    total = patch(model, tokens, OTHER, senders, METRIC, frozen=attention_and_scales).effect
    receivers = [LOGITS[3], *grid(model, "v", "layer head").sites]
    paths = [
        path_patch(
            model, tokens, OTHER, senders, receiver, METRIC, frozen=attention_and_scales
        ).effect
        for receiver in receivers
    ]
    assert_close(torch.stack(paths).sum(dim=0), total, rtol=0, atol=1e-10)
    assert (paths[0] - total)[:2].abs().max() > 0.01  # not all of it goes straight to the logits


def test_with_attention_free_they_do_not(tokens):
    model = make("attn_only", n_layers=3)
    senders = grid(model, "z", "layer head")
    total = patch(model, tokens, OTHER, senders, METRIC).effect
    receivers = [LOGITS[3], *grid(model, "v", "layer head").sites]
    paths = [path_patch(model, tokens, OTHER, senders, to, METRIC).effect for to in receivers]
    assert (torch.stack(paths).sum(dim=0) - total).abs().max() > 0.01


def test_straight_to_the_logits_is_what_it_wrote(gpt2, tokens):
    """The last stream with the difference of one head's output added, normalised and read."""
    sender = Site("blocks.0.attn.hook_z", head=1)
    done = path_patch(gpt2, tokens, OTHER, sender, LOGITS[2], METRIC)
    base, source = (gpt2.run_with_cache(given)[1] for given in (tokens, OTHER))
    change = (source["z", 0] - base["z", 0])[:, :, 1] @ gpt2.W_O[0, 1]
    expected = METRIC(gpt2.unembed(gpt2.ln_final(base["resid_post", 1] + change)))
    assert_close(done.values[0], expected, rtol=0, atol=1e-12)
    other = patch(gpt2, tokens, OTHER, sender, METRIC)
    assert not torch.allclose(done.values, other.values)  # letting other paths move


def test_to_the_query_of_one_head(gpt2, tokens):
    sender = Site("blocks.0.attn.hook_z", head=2, pos=1)
    receiver = Site("blocks.1.attn.hook_k", head=0)
    done = path_patch(gpt2, tokens, OTHER, sender, receiver, METRIC)
    base, source = (gpt2.run_with_cache(given)[1] for given in (tokens, OTHER))
    resid = base["resid_pre", 1].clone()
    resid[:, 1] += (source["z", 0] - base["z", 0])[:, 1, 2] @ gpt2.W_O[0, 2]
    key = gpt2.blocks[1].ln1(resid) @ gpt2.W_K[1, 0] + gpt2.b_K[1, 0]

    def hear(k, hook):
        k[:, :, 0] = key

    expected = METRIC(gpt2.run_with_hooks(tokens, fwd_hooks=[(receiver.hook, hear)]))
    assert_close(done.values[0], expected, rtol=0, atol=1e-12)


def test_mlps_pass_it_on_only_if_asked(gpt2, tokens):
    sender, receiver = Site("blocks.0.attn.hook_z", head=0), Site("blocks.1.attn.hook_v")
    held, passing = (
        path_patch(gpt2, tokens, OTHER, sender, receiver, METRIC, through_mlps=through)
        for through in (False, True)
    )
    base, source = (gpt2.run_with_cache(given)[1] for given in (tokens, OTHER))
    change = (source["z", 0] - base["z", 0])[:, :, 0] @ gpt2.W_O[0, 0]
    middle = base["resid_mid", 0] + change
    for done, mlp_out in (
        (held, base["mlp_out", 0]),
        (passing, gpt2.blocks[0].mlp(gpt2.blocks[0].ln2(middle))),
    ):
        x = gpt2.blocks[1].ln1(middle + mlp_out)
        value = torch.einsum("bpm,hmd->bphd", x, gpt2.W_V[1]) + gpt2.b_V[1]
        hooks = [(receiver.hook, lambda _v, _hook, value=value: value)]
        expected = METRIC(gpt2.run_with_hooks(tokens, fwd_hooks=hooks))
        assert_close(done.values[0], expected, rtol=0, atol=1e-12)
    assert not torch.allclose(held.values, passing.values)


def test_mlps_send_and_receive(gpt2, tokens):
    sender, receiver = Site("blocks.0.hook_mlp_out"), Site("blocks.1.mlp.hook_pre")
    done = path_patch(gpt2, tokens, OTHER, sender, receiver, METRIC)
    base, source = (gpt2.run_with_cache(given)[1] for given in (tokens, OTHER))
    middle = base["resid_mid", 1] + source["mlp_out", 0] - base["mlp_out", 0]
    last = base["resid_mid", 1] + gpt2.blocks[1].mlp(gpt2.blocks[1].ln2(middle))
    expected = METRIC(gpt2.unembed(gpt2.ln_final(last)))
    assert_close(done.values[0], expected, rtol=0, atol=1e-12)


def test_all_senders_at_once_equal_one_after_the_other(model, tokens):
    senders = grid(model, "z", "layer head pos", n_pos=5)
    receivers = [Site("blocks.1.attn.hook_q", head=1), Site("blocks.1.attn.hook_v", pos=2)]
    done = path_patch(model, tokens, OTHER, senders, receivers, METRIC)
    for index in (0, 4, 8, 14, 22):
        alone = path_patch(model, tokens, OTHER, senders.sites[index], receivers, METRIC, rows=1)
        assert_close(done.values.flatten(0, 2)[index], alone.values[0], rtol=0, atol=1e-12)


def test_a_sender_after_the_receiver_is_not_heard(gpt2, tokens):
    senders = grid(gpt2, "z", "layer head")
    done = path_patch(gpt2, tokens, OTHER, senders, Site("blocks.0.attn.hook_v"), METRIC)
    assert_close(done.values, done.base.expand(2, 3, 2), rtol=0, atol=1e-12)


def test_by_hand_head_0_0_tells_head_1_0_by_its_keys():
    model = zoo.load("induction_by_hand")
    clean, corrupted = torch.tensor([[0, 4, 9, 8, 2, 4]]), torch.tensor([[0, 8, 9, 4, 2, 4]])
    metric, sender = logit_difference(9, 2), Site("blocks.0.attn.hook_z")
    total = patch(model, clean, corrupted, sender, metric).normalized
    by = {
        letter: path_patch(
            model, clean, corrupted, sender, Site(f"blocks.1.attn.hook_{letter}"), metric
        ).normalized
        for letter in "qkv"
    }
    assert_close(by["k"], total, rtol=0, atol=1e-9)
    assert float(total) > 0.9
    assert_close(by["q"].abs() + by["v"].abs(), torch.zeros(1, dtype=torch.float64))


def test_nothing_is_left_behind(gpt2, tokens):
    before = gpt2(tokens)
    path_patch(gpt2, tokens, OTHER, grid(gpt2, "z", "layer head"), LOGITS[2], METRIC)
    assert torch.equal(gpt2(tokens), before)
    assert not any(point.is_used() for point in gpt2._points.values())


def test_bad_input_is_refused(gpt2, tokens):
    with pytest.raises(ValueError, match="No sites"):
        path_patch(gpt2, tokens, OTHER, Site("hook_embed"), [], METRIC)
    with pytest.raises(UnknownHookError, match="hook_w"):
        path_patch(gpt2, tokens, OTHER, Site("hook_embed"), Site("blocks.1.attn.hook_w"), METRIC)
    with pytest.raises(ValueError, match="head=3"):
        path_patch(
            gpt2, tokens, OTHER, Site("hook_embed"), Site("blocks.1.attn.hook_q", head=3), METRIC
        )
