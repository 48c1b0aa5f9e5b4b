"""The circuit written by hand does exactly what its text says."""

from __future__ import annotations

import pytest
import torch

from course.zoo import load, repeated_tokens
from course.zoo.induction_by_hand import Layout, build
from course.zoo.scores import induction_score, previous_token_score

D_VOCAB, N_CTX = 24, 48


@pytest.fixture(scope="module")
def model():
    return build()


def run(model, period: int, *, bos: bool = True, seed: int = 0):
    generator = torch.Generator().manual_seed(seed)
    tokens = repeated_tokens(16, period, D_VOCAB, generator, bos=bos, distinct=True)
    with torch.no_grad():
        logits, cache = model.run_with_cache(tokens)
    return tokens, logits, cache


@pytest.mark.parametrize("period", [3, 8, 15, 23])
def test_every_prediction_in_the_second_copy_is_right(model, period):
    tokens, logits, cache = run(model, period)
    guesses = logits.argmax(dim=-1)
    assert torch.equal(guesses[:, period + 1 : -1], tokens[:, period + 2 :])
    assert torch.equal(guesses[:, -1], tokens[:, 1]), "the copy starts again"
    assert previous_token_score(cache["pattern", 0])[0] > 0.999
    assert induction_score(cache["pattern", 1], period)[0] > 0.999


@pytest.mark.parametrize("period", [3, 8, 15, 23])
def test_without_bos_exactly_one_prediction_is_wrong(model, period):
    tokens, logits, cache = run(model, period, bos=False)
    right = logits.argmax(dim=-1)[:, period:-1] == tokens[:, period + 1 :]
    assert right.shape[1] == period - 1
    assert right.double().mean() == pytest.approx((period - 2) / (period - 1))
    assert not right[:, 0].any(), "the one for the first token, when it returns"
    drawn = cache["pattern", 1][:, 0, period, 0]
    assert (drawn > 0.999).all(), "it looks at position 0, without a tie"


def test_it_rests_on_the_bos_and_then_writes_nothing(model):
    period = 8
    _, logits, cache = run(model, period)
    first_copy = slice(1, period + 1)
    assert (cache["pattern", 1][:, 0, first_copy, 0] > 0.999).all()
    written = cache["attn_out", 1][:, first_copy]
    assert written.abs().max() < 1e-5
    assert logits[:, first_copy].std(dim=-1).max() < 1e-3, "no token is preferred"


def test_each_subspace_holds_what_its_name_says(model):
    layout = Layout(D_VOCAB, N_CTX)
    tokens, logits, cache = run(model, 8)
    stream = cache["resid_post", 1]
    positions = torch.arange(tokens.shape[1]).expand_as(tokens)
    assert torch.equal(stream[..., layout.token].argmax(dim=-1), tokens)
    assert torch.equal(stream[..., layout.position].argmax(dim=-1), positions)
    assert torch.equal(stream[:, 1:, layout.previous].argmax(dim=-1), tokens[:, :-1])
    torch.testing.assert_close(10 * stream[..., layout.output], logits)
    parts = (layout.token, layout.position, layout.previous, layout.output)
    assert sum(part.stop - part.start for part in parts) == layout.d_model == stream.shape[-1]


def test_it_is_float64_without_normalisation_or_mlp(model):
    assert model.W_E.dtype == torch.float64
    assert (model.cfg.normalization_type, model.cfg.attn_only) == (None, True)
    assert model.cfg.n_layers == 2


def test_ablating_either_head_destroys_it(model):
    period = 8
    tokens = repeated_tokens(16, period, D_VOCAB, torch.Generator().manual_seed(0), distinct=True)
    for layer in (0, 1):
        name = f"blocks.{layer}.attn.hook_z"
        logits = model.run_with_hooks(tokens, fwd_hooks=[(name, lambda z, hook: z * 0)])
        right = logits.argmax(dim=-1)[:, period + 1 : -1] == tokens[:, period + 2 :]
        assert right.double().mean() < 0.2


def test_other_sizes_can_be_built():
    small = build(d_vocab=6, n_ctx=11, match=20.0, rest=8.0)
    tokens = torch.tensor([[0, 3, 1, 5, 3, 1, 5]])
    assert small(tokens).argmax(dim=-1)[0, 4:].tolist() == [1, 5, 3]


@pytest.mark.parametrize(("match", "rest"), [(5.0, 5.0), (5.0, 9.0), (5.0, 0.0)])
def test_resting_must_be_worth_less_than_a_match(match, rest):
    with pytest.raises(ValueError, match="0 < rest < match"):
        build(match=match, rest=rest)


def test_the_shipped_weights_are_the_built_ones(model):
    shipped = load("induction_by_hand").state_dict()
    assert all(torch.equal(shipped[name], value) for name, value in model.state_dict().items())
