"""The trained induction model: its text, its training, and the weights that are shipped."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch

from course.zoo import load, repeated_tokens
from course.zoo.induction_2l import D_VOCAB, N_CTX, config, train, walks
from course.zoo.measures import measure_induction
from course.zoo.scores import induction_score, previous_token_score


def test_walks_follow_a_ring_but_for_the_jumps():
    tokens = walks(200, 63, D_VOCAB, torch.Generator().manual_seed(0))
    assert tokens.shape == (200, 64)
    assert (tokens[:, 0] == 0).all()
    assert tokens[:, 1:].min() >= 1
    assert tokens.max() < D_VOCAB
    steps, kept = 0, 0
    for row in tokens[:, 1:].tolist():
        assert len(set(row)) <= 24
        follower: dict[int, int] = {}
        for here, there in pairwise(row):
            steps += here in follower
            kept += follower.get(here) == there
            follower.setdefault(here, there)
    # One step in ten jumps, and both the step remembered and the new one can be a jump.
    assert 0.75 < kept / steps < 0.95


def test_a_few_steps_of_training_lower_the_loss():
    model, losses = train(seed=3, steps=25, progress=False)
    assert len(losses) == 25
    assert sum(losses[-5:]) / 5 < sum(losses[:5]) / 5 - 0.2
    assert model.cfg == config(3)


def test_training_is_decided_by_the_seed():
    weights = [train(seed, 2, progress=False)[0].W_E for seed in (1, 1, 2)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_a_progress_bar_goes_to_stderr_when_asked_for(capsys):
    train(seed=0, steps=1, progress=True)
    shown = capsys.readouterr()
    assert "induction_2l" in shown.err
    assert shown.out == ""


@pytest.mark.parametrize("distinct", [True, False])
def test_no_score_is_near_the_threshold_at_any_period(distinct):
    """Exercises ask for the heads with a score over 0.5: no head may be between 0.35 and 0.65."""
    model = load("induction_2l")
    generator = torch.Generator().manual_seed(1)
    for period in range(8, 21):
        tokens = repeated_tokens(64, period, D_VOCAB, generator, distinct=distinct)
        with torch.no_grad():
            cache = model.run_with_cache(tokens)[1]
        patterns = [cache["pattern", layer] for layer in range(2)]
        scores = [previous_token_score(pattern) for pattern in patterns]
        scores += [induction_score(pattern, period) for pattern in patterns]
        for score in torch.cat(scores).tolist():
            assert not 0.35 < score < 0.65, (period, score)


def test_an_untrained_model_has_no_such_heads():
    """Control: the measure does not find heads where there are none."""
    facts = measure_induction(train(seed=0, steps=0, progress=False)[0])
    assert facts["previous-token heads"] == facts["induction heads"] == ""
    assert float(facts["accuracy"]) < 0.1


def test_shipped_shape():
    cfg = load("induction_2l").cfg
    assert (cfg.n_layers, cfg.n_heads, cfg.d_model, cfg.d_head) == (2, 4, 64, 16)
    assert (cfg.attn_only, cfg.normalization_type, cfg.n_ctx) == (True, "LN", N_CTX)
    assert cfg.positional_embedding_type == "standard"
    assert cfg.dtype == "float32"
