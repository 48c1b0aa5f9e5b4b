"""Patching in batches gives what TransformerLens's loops over forward passes give."""

import pytest
import torch
from specimens import make
from torch.testing import assert_close
from transformer_lens import patching as theirs

from course.metrics import logit_difference
from course.patching import patch
from course.sites import grid

# Theirs, the activation, and the axes in the order of their results.
SWEEPS = {
    "get_act_patch_resid_pre": ("resid_pre", "layer pos"),
    "get_act_patch_resid_mid": ("resid_mid", "layer pos"),
    "get_act_patch_attn_out": ("attn_out", "layer pos"),
    "get_act_patch_mlp_out": ("mlp_out", "layer pos"),
    "get_act_patch_attn_head_out_by_pos": ("z", "layer pos head"),
    "get_act_patch_attn_head_q_by_pos": ("q", "layer pos head"),
    "get_act_patch_attn_head_k_by_pos": ("k", "layer pos head"),
    "get_act_patch_attn_head_v_by_pos": ("v", "layer pos head"),
    "get_act_patch_attn_head_out_all_pos": ("z", "layer head"),
    "get_act_patch_attn_head_q_all_pos": ("q", "layer head"),
    "get_act_patch_attn_head_k_all_pos": ("k", "layer head"),
    "get_act_patch_attn_head_v_all_pos": ("v", "layer head"),
    "get_act_patch_attn_head_pattern_all_pos": ("pattern", "layer head"),
    "get_act_patch_attn_head_pattern_by_pos": ("pattern", "layer head pos"),
    "get_act_patch_attn_head_pattern_dest_src_pos": ("pattern", "layer head pos unit"),
}
SOURCE = torch.tensor([[0, 2, 3, 5, 10], [4, 8, 1, 9, 1]])
METRIC = logit_difference(torch.tensor([1, 2]), torch.tensor([3, 4]))


@pytest.mark.parametrize("name", SWEEPS)
@pytest.mark.parametrize("kind", ["gpt2", "rms_rotary", "attn_only", "bare_with_mlp"])
def test_each_of_their_sweeps(name, kind, tokens, translated):
    model = make(kind)
    activation, axes = SWEEPS[name]
    if kind == "attn_only" and activation in ("resid_mid", "mlp_out"):
        with pytest.raises(KeyError):
            grid(model, activation, axes, n_pos=5)
        return
    peer = translated(model)
    with torch.no_grad():
        cache = peer.run_with_cache(SOURCE)[1]
        expected = getattr(theirs, name)(peer, tokens, cache, lambda logits: METRIC(logits).mean())
    done = patch(model, tokens, SOURCE, grid(model, activation, axes, n_pos=5), METRIC)
    ours = done.values.mean(dim=-1)
    assert ours.shape == expected.shape
    assert_close(ours, expected.to(ours.dtype), rtol=0, atol=1e-5)
    assert (ours - done.base.mean()).abs().max() > 1e-3
