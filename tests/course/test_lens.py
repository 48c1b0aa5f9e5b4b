"""A lens reads the last layer as the model does; a shortcut is the best affine map there is."""

import pytest
import torch
from specimens import KINDS, make
from torch.testing import assert_close

from course.lens import fidelity, fit_shortcut, logit_lens, residual_streams

TRAIN = torch.randint(11, (60, 5), generator=torch.Generator().manual_seed(0))
HELD_OUT = torch.randint(11, (40, 5), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("kind", KINDS)
def test_at_the_last_layer_the_lens_is_the_model(kind, tokens):
    model = make(kind)
    logits, cache = model.run_with_cache(tokens)
    assert torch.equal(logit_lens(model, cache)[-1], logits)
    assert torch.equal(fit_shortcut(model, TRAIN)(model, cache)[-1], logits)


def test_the_lens_normalises_and_unembeds_each_stream(gpt2, tokens):
    cache = gpt2.run_with_cache(tokens)[1]
    lens = logit_lens(gpt2, cache)
    assert lens.shape == (3, 2, 5, 11)
    stream = cache["hook_embed"] + cache["hook_pos_embed"]
    centred = stream - stream.mean(dim=-1, keepdim=True)
    scale = (centred.pow(2).mean(dim=-1, keepdim=True) + gpt2.cfg.eps).sqrt()
    normed = centred / scale * gpt2.ln_final.w + gpt2.ln_final.b
    assert_close(lens[0], normed @ gpt2.W_U + gpt2.b_U, rtol=0, atol=1e-12)
    without = stream @ gpt2.W_U + gpt2.b_U
    assert (lens[0] - without).abs().max() > 0.1  # forgetting ln_f


@pytest.mark.parametrize("ridge", [0.0, 0.3])
def test_the_shortcut_solves_the_least_squares_problem(gpt2, ridge):
    shortcut = fit_shortcut(gpt2, TRAIN, ridge=ridge, batch=7)
    with torch.no_grad():
        streams = residual_streams(gpt2, gpt2.run_with_cache(TRAIN)[1]).flatten(1, 2)
    count, d_model = streams.shape[1:]
    for depth in range(2):
        inputs = streams[depth] - streams[depth].mean(dim=0)
        outputs = streams[-1] - streams[-1].mean(dim=0)
        rows = torch.cat([inputs, (ridge * count) ** 0.5 * torch.eye(d_model).double()])
        zeros = torch.zeros(d_model, d_model, dtype=torch.float64)
        expected = torch.linalg.lstsq(rows, torch.cat([outputs, zeros])).solution
        assert_close(shortcut.weight[depth], expected, rtol=0, atol=1e-6)
        predicted = streams[depth] @ shortcut.weight[depth] + shortcut.bias[depth]
        assert_close(predicted.mean(dim=0), streams[-1].mean(dim=0), rtol=0, atol=1e-9)


def test_streams_that_span_less_than_all_numbers_have_a_map_too():
    """Eleven embeddings and no positions: the map is not unique, and the smallest is taken."""
    model = make("ln_without_positions", d_model=16)
    shortcut = fit_shortcut(model, TRAIN)
    with torch.no_grad():
        streams = residual_streams(model, model.run_with_cache(TRAIN)[1]).flatten(1, 2)
    design = torch.cat([torch.ones_like(streams[0, :, :1]), streams[0]], dim=-1)
    best = torch.linalg.lstsq(design, streams[-1], driver="gelsd").solution
    predicted = streams[0] @ shortcut.weight[0] + shortcut.bias[0]
    assert_close(predicted, design @ best, rtol=0, atol=1e-7)


def test_held_out_the_shortcut_beats_the_logit_lens_and_itself_is_beaten_by_training_text(gpt2):
    with torch.no_grad():
        shortcut = fit_shortcut(gpt2, TRAIN)
        errors = []
        for text in (TRAIN, HELD_OUT):
            logits, cache = gpt2.run_with_cache(text)
            streams = residual_streams(gpt2, cache)
            mapped = streams[0] @ shortcut.weight[0] + shortcut.bias[0]
            errors.append(float((mapped - streams[-1]).pow(2).mean()))
        lens = fidelity(logit_lens(gpt2, cache), logits)
        better = fidelity(shortcut(gpt2, cache), logits)
    assert better[0].divergence.high < lens[0].divergence.low
    assert better[0].agreement.mean > lens[0].agreement.mean
    assert errors[0] < errors[1]


def test_fidelity_is_measured_by_sequence(gpt2):
    with torch.no_grad():
        logits, cache = gpt2.run_with_cache(HELD_OUT)
        lens = logit_lens(gpt2, cache)
    rows = fidelity(lens, logits)
    assert len(rows) == 3
    expected = torch.nn.functional.kl_div(
        lens[1].log_softmax(-1), logits.log_softmax(-1), log_target=True, reduction="none"
    )
    assert rows[1].divergence.mean == pytest.approx(float(expected.sum(-1).mean()))
    assert rows[1].divergence.n == 40
    same = lens[1].argmax(-1) == logits.argmax(-1)
    assert rows[1].agreement.mean == pytest.approx(float(same.double().mean()))
    assert rows[2].agreement.mean == 1
    assert rows[2].divergence.high == pytest.approx(0, abs=1e-12)


def test_dtypes_and_grad_mode_are_kept():
    model = make("gpt2", dtype="float32")
    shortcut = fit_shortcut(model, TRAIN)
    assert shortcut.weight.dtype == shortcut.bias.dtype == torch.float32
    assert not shortcut.weight.requires_grad
    assert torch.is_grad_enabled()


def test_bad_input_is_refused(gpt2, tokens):
    cache = gpt2.run_with_cache(tokens)[1]
    with pytest.raises(ValueError, match=r"shape \(1, 5\).*more than d_model=6"):
        fit_shortcut(gpt2, TRAIN[:1])
    with pytest.raises(ValueError, match="ridge=-1"):
        fit_shortcut(gpt2, TRAIN, ridge=-1)
    with pytest.raises(ValueError, match=r"\(3, 6\).*\n*.*\(4, 6\)"):
        fit_shortcut(gpt2, TRAIN)(*_of(make("gpt2", n_layers=3), tokens))
    with pytest.raises(ValueError, match="fidelity was given"):
        fidelity(logit_lens(gpt2, cache)[0], gpt2(tokens))


def _of(model, tokens):
    return model, model.run_with_cache(tokens)[1]
