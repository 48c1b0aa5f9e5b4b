"""Patching in batches gives what TransformerLens 4's loops give, where it can edit the hook.

Not `resid_mid`: see test_model.py.
"""

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
    "get_act_patch_attn_out": ("attn_out", "layer pos"),
    "get_act_patch_mlp_out": ("mlp_out", "layer pos"),
    "get_act_patch_attn_head_out_by_pos": ("z", "layer pos head"),
    "get_act_patch_attn_head_v_all_pos": ("v", "layer head"),
    "get_act_patch_attn_head_pattern_by_pos": ("pattern", "layer head pos"),
}
SOURCE = torch.tensor([[0, 2, 3, 5, 10], [4, 8, 1, 9, 1]])
METRIC = logit_difference(torch.tensor([1, 2]), torch.tensor([3, 4]))


@pytest.mark.parametrize("name", SWEEPS)
@pytest.mark.parametrize("kind", ["gpt2", "bare_with_mlp"])
def test_each_of_their_sweeps(name, kind, tokens, translated):
    model = make(kind)
    activation, axes = SWEEPS[name]
    peer = translated(model)
    with torch.no_grad():
        cache = peer.run_with_cache(SOURCE)[1]
        expected = getattr(theirs, name)(peer, tokens, cache, lambda logits: METRIC(logits).mean())
    done = patch(model, tokens, SOURCE, grid(model, activation, axes, n_pos=5), METRIC)
    ours = done.values.mean(dim=-1)
    assert_close(ours, torch.as_tensor(expected).to(ours.dtype), rtol=0, atol=1e-5)
    assert (ours - done.base.mean()).abs().max() > 1e-3
