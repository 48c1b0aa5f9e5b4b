"""Parts and bias sum to the logit difference, and each part is what it says."""

import pytest
import torch
from specimens import KINDS, make
from torch.testing import assert_close

from course import UnknownHookError
from course.direct_attribution import decompose_resid, logit_attribution, logit_direction
from course.metrics import logit_difference

CORRECT, WRONG = torch.tensor([1, 2]), torch.tensor([3, 4])
POSITIONS = torch.tensor([-1, 2])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("by", ["component", "head", "neuron"])
@pytest.mark.parametrize("seed", [0, 1])
def test_parts_and_bias_sum_to_the_logit_difference(kind, by, seed, tokens):
    model = make(kind, seed=seed)
    logits, cache = model.run_with_cache(tokens)
    for pos in (-1, 0, POSITIONS):
        done = logit_attribution(model, cache, CORRECT, WRONG, pos, by)
        expected = logit_difference(CORRECT, WRONG, pos)(logits)
        assert_close(done.total, expected, rtol=0, atol=1e-12)
        assert len(done.labels) == len(set(done.labels)) == len(done.values)


@pytest.mark.parametrize("by", ["component", "head", "neuron"])
def test_the_parts_sum_to_the_last_stream(model, by, tokens):
    cache = model.run_with_cache(tokens)[1]
    labels, parts = decompose_resid(model, cache, by)
    assert len(labels) == len(parts)
    assert_close(parts.sum(dim=0), cache["resid_post", -1], rtol=0, atol=1e-12)


def test_the_names_are_in_the_order_of_writing(gpt2, tokens):
    cache = gpt2.run_with_cache(tokens)[1]
    labels, parts = decompose_resid(gpt2, cache)
    assert labels == [*("embed", "pos_embed", "0 attn_out", "0 mlp_out", "1 attn_out", "1 mlp_out")]
    assert_close(parts[4], cache["attn_out", 1])
    labels, parts = decompose_resid(gpt2, cache, "head")
    assert labels[2:7] == ["0.0", "0.1", "0.2", "0 b_O", "0 mlp_out"]
    result = gpt2.run_with_cache(tokens, names="blocks.0.attn.hook_result")[1]
    assert_close(parts[3], result["result", 0][:, :, 1], rtol=0, atol=1e-12)
    labels, parts = decompose_resid(gpt2, cache, "neuron")
    assert labels[6:8] == ["0 neuron 0", "0 neuron 1"]
    assert labels[16] == "0 b_out"
    assert_close(parts[7], cache["post", 0][..., 1:2] * gpt2.W_out[0, 1])


@pytest.mark.parametrize("kind", ["gpt2", "rms_rotary", "bare_with_mlp"])
def test_neurons_are_read_as_if_they_had_been_written_out(kind, tokens):
    model = make(kind)
    cache = model.run_with_cache(tokens)[1]
    done = logit_attribution(model, cache, CORRECT, WRONG, POSITIONS, "neuron")
    read, bias = logit_direction(model, cache, CORRECT, WRONG, POSITIONS)
    labels, parts = decompose_resid(model, cache, "neuron")
    expected = torch.stack([parts[:, 0, -1] @ read[0], parts[:, 1, 2] @ read[1]], dim=1)
    assert done.labels == labels
    assert_close(done.values, expected, rtol=0, atol=1e-12)
    assert_close(done.bias, bias)


def test_the_direction_is_the_gradient_with_the_scale_frozen(gpt2, tokens):
    cache = gpt2.run_with_cache(tokens)[1]
    stream = cache["resid_post", 1].detach().requires_grad_()
    centred = stream - stream.mean(dim=-1, keepdim=True)
    normed = centred / cache["ln_final.hook_scale"].detach() * gpt2.ln_final.w + gpt2.ln_final.b
    metric = logit_difference(CORRECT, WRONG, POSITIONS)
    (slope,) = torch.autograd.grad(metric(gpt2.unembed(normed)).sum(), stream)
    read, _ = logit_direction(gpt2, cache, CORRECT, WRONG, POSITIONS)
    assert_close(read, torch.stack([slope[0, -1], slope[1, 2]]), rtol=0, atol=1e-12)


def test_forgetting_scale_or_bias_shows(gpt2, tokens):
    logits, cache = gpt2.run_with_cache(tokens)
    done = logit_attribution(gpt2, cache, CORRECT, WRONG)
    expected = logit_difference(CORRECT, WRONG)(logits)
    assert (done.values.sum(dim=0) - expected).abs().min() > 0.01
    scale = cache["ln_final.hook_scale"][:, -1, 0]
    assert ((done.values * scale).sum(dim=0) + done.bias - expected).abs().min() > 0.01


def test_one_token_for_all_sequences(gpt2, tokens):
    cache = gpt2.run_with_cache(tokens)[1]
    each = logit_attribution(gpt2, cache, torch.tensor([1, 1]), torch.tensor([3, 3]))
    assert torch.equal(logit_attribution(gpt2, cache, 1, 3).values, each.values)


def test_a_part_has_an_interval(gpt2, tokens):
    done = logit_attribution(gpt2, gpt2.run_with_cache(tokens)[1], 1, 3, by="head")
    interval = done.interval("1.2")
    assert interval.n == 2
    assert interval.mean == pytest.approx(done.values[done.labels.index("1.2")].mean().item())


def test_bad_input_is_refused(gpt2, tokens):
    cache = gpt2.run_with_cache(tokens)[1]
    with pytest.raises(ValueError, match="by='layer'"):
        decompose_resid(gpt2, cache, "layer")
    with pytest.raises(ValueError, match=r"token 11; expected 0 to 10"):
        logit_attribution(gpt2, cache, 11, 3)
    with pytest.raises(ValueError, match="wrong=-1"):
        logit_attribution(gpt2, cache, 1, -1)
    with pytest.raises(ValueError, match="pos=5 for 5 positions"):
        logit_attribution(gpt2, cache, 1, 3, 5)
    with pytest.raises(ValueError, match="3 tokens or positions for 2 sequences"):
        logit_attribution(gpt2, cache, torch.tensor([1, 2, 3]), 3)
    with pytest.raises(ValueError, match="3 tokens or positions for 2 sequences"):
        logit_attribution(gpt2, cache, 1, 3, torch.tensor([1, 2, 3]))
    partial = gpt2.run_with_cache(tokens, names=["hook_embed", "blocks.1.hook_resid_post"])[1]
    with pytest.raises(UnknownHookError, match="not in this cache"):
        decompose_resid(gpt2, partial)
