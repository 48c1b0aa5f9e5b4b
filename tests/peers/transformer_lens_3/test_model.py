"""The same weights compute the same in TransformerLens 3.9: no exception, for any kind of model."""

import agreement
import torch

from course import ToyTransformer


def test_every_activation_agrees(model, translated, tokens):
    theirs = translated(model)
    theirs.set_use_attn_result(True)
    agreement.assert_activations_agree(model, theirs, tokens)


def test_logits_agree_after_an_edit_at_every_hook(model, translated, tokens):
    theirs = translated(model)
    theirs.set_use_attn_result(True)
    agreement.assert_edits_agree(model, theirs, tokens)


def test_names_agree(model, translated):
    known = translated(model).hook_dict
    assert set(model.hook_names + model.hook_names_on_demand) <= set(known)


def test_in_float32_they_agree_too(gpt2, translated, tokens):
    single = ToyTransformer(gpt2.cfg).float()
    single.load_state_dict(gpt2.state_dict())
    with torch.no_grad():
        logits, theirs = single(tokens), translated(single)(tokens)
    assert logits.dtype == theirs.dtype == torch.float32
    torch.testing.assert_close(logits, theirs, **agreement.TOLERANCE)


def test_circuits_agree(model, translated):
    theirs = translated(model)
    agreement.assert_factored_matrices_agree(model.QK, theirs.QK)
    agreement.assert_factored_matrices_agree(model.OV, theirs.OV)
