"""The residual stream falls into the parts that TransformerLens's cache gives."""

import pytest
import torch
from torch.testing import assert_close

from course.direct_attribution import decompose_resid, logit_attribution
from course.lens import logit_lens, residual_streams

CORRECT, WRONG = torch.tensor([1, 2]), torch.tensor([3, 4])
CLOSE = {"rtol": 0, "atol": 1e-5}


@pytest.fixture
def run(model, tokens, translated):
    """Give our model, our cache and theirs."""
    with torch.no_grad():
        if model.cfg.normalization_type:
            # `logit_attrs` leaves the last gain out, which they fold into W_U beforehand.
            model.get_parameter("ln_final.w").fill_(1)
        theirs = translated(model).run_with_cache(tokens)[1]
        return model, model.run_with_cache(tokens)[1], theirs


def without_absent_positions(model, labels: list[str], parts: torch.Tensor) -> torch.Tensor:
    """Return their parts less the positions of zeros that stand for none in a bare model."""
    kept = [
        index
        for index, label in enumerate(labels)
        if label != "pos_embed" or model.cfg.positional_embedding_type == "standard"
    ]
    return parts[kept]


def test_components(run):
    model, cache, theirs = run
    parts, labels = theirs.decompose_resid(return_labels=True)
    ours, expected = (
        decompose_resid(model, cache)[1],
        without_absent_positions(model, labels, parts),
    )
    assert_close(ours, expected, **CLOSE)


def test_heads(run):
    model, cache, theirs = run
    expected = theirs.stack_head_results(layer=-1)
    labels, parts = decompose_resid(model, cache, "head")
    heads = [index for index, label in enumerate(labels) if label.replace(".", "").isdigit()]
    assert_close(parts[heads], expected, **CLOSE)


def test_neurons(run):
    model, cache, theirs = run
    if model.cfg.attn_only:
        pytest.skip("no neurons")
    expected = theirs.stack_neuron_results(layer=-1)
    labels, parts = decompose_resid(model, cache, "neuron")
    neurons = [index for index, label in enumerate(labels) if " neuron " in label]
    assert_close(parts[neurons], expected, **CLOSE)


@pytest.mark.parametrize("by", ["component", "head"])
def test_logit_attributions(run, by):
    model, cache, theirs = run
    ours = logit_attribution(model, cache, CORRECT, WRONG, -1, by)
    if by == "component":
        parts, labels = theirs.decompose_resid(return_labels=True, pos_slice=-1)
        parts, kept = without_absent_positions(model, labels, parts), slice(None)
    else:
        parts = theirs.stack_head_results(layer=-1, pos_slice=-1)
        kept = [i for i, label in enumerate(ours.labels) if label.replace(".", "").isdigit()]
    expected = theirs.logit_attrs(parts, CORRECT, incorrect_tokens=WRONG, pos_slice=-1)
    assert_close(ours.values[kept], expected, **CLOSE)


def test_the_logit_lens(run):
    model, cache, theirs = run
    streams = theirs.accumulated_resid(layer=-1)
    assert_close(residual_streams(model, cache), streams, **CLOSE)
    peer = theirs.model
    expected = (
        torch.stack([peer.unembed(peer.ln_final(stream)) for stream in streams])
        if model.cfg.normalization_type
        else peer.unembed(streams.flatten(0, 1)).view(*streams.shape[:-1], -1)
    )
    assert_close(logit_lens(model, cache), expected, **CLOSE)
