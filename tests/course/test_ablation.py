"""Three ablations of a head whose mean is not zero, and what each of them is."""

import pytest
import torch
from specimens import make
from torch.testing import assert_close

from course import UnknownHookError, zoo
from course.ablation import ablate, mean_values, resampled_values, zero_values
from course.metrics import log_probability, logit_difference
from course.sites import Site, grid

METRIC = logit_difference(torch.tensor([1, 2]), torch.tensor([3, 4]))
HOOKS = ["blocks.0.attn.hook_z", "blocks.1.attn.hook_z"]
POOL = torch.randint(11, (9, 5), generator=torch.Generator().manual_seed(1))


def by_hand(model, tokens, layer, head, value):
    """Run with one head's z replaced."""

    def replace(z, hook):
        z[:, :, head] = value

    return METRIC(model.run_with_hooks(tokens, fwd_hooks=[(HOOKS[layer], replace)]))


@pytest.fixture
def pooled(gpt2):
    return {hook: gpt2.run_with_cache(POOL)[1][hook].detach() for hook in HOOKS}


def test_zero_mean_and_resampling_are_three_numbers(gpt2, tokens, pooled):
    cells = grid(gpt2, "z", "layer head")
    drawn = resampled_values(gpt2, tokens, POOL, HOOKS, seed=4)
    zero = ablate(gpt2, tokens, cells, METRIC)
    mean = ablate(gpt2, tokens, cells, METRIC, mean_values(gpt2, POOL, HOOKS))
    resampled = ablate(gpt2, tokens, cells, METRIC, drawn)
    for layer in range(2):
        for head in range(3):
            average = pooled[HOOKS[layer]][:, :, head].mean(dim=(0, 1))
            assert average.norm() > 0.1
            for done, value in (
                (zero, 0.0),
                (mean, average),
                (resampled, drawn[HOOKS[layer]][:, :, head]),
            ):
                expected = by_hand(gpt2, tokens, layer, head, value)
                assert_close(done.values[layer, head], expected, rtol=0, atol=1e-12)
    for left, right in ((zero, mean), (mean, resampled), (zero, resampled)):
        assert ((left.effect - right.effect).abs() > 1e-3).all(dim=-1).all()
    assert_close(zero.base, METRIC(gpt2(tokens)), rtol=0, atol=1e-12)


def test_the_mean_is_over_sequences_and_positions_and_not_over_heads(gpt2, pooled):
    z = pooled[HOOKS[1]]
    mean = mean_values(gpt2, POOL, HOOKS, batch=4)[HOOKS[1]]
    assert_close(mean, z.mean(dim=(0, 1))[None], rtol=0, atol=1e-12)
    assert mean.shape == (1, 3, 4)
    assert not torch.allclose(mean, z.mean(dim=(0, 1, 2)).expand(1, 3, 4))
    each = mean_values(gpt2, POOL, HOOKS, per_position=True)[HOOKS[1]]
    assert_close(each, z.mean(dim=0), rtol=0, atol=1e-12)
    assert not torch.allclose(each, mean.expand(5, 3, 4))


def test_the_mean_over_all_positions_serves_sequences_of_any_length(gpt2):
    values = mean_values(gpt2, POOL, HOOKS)
    done = ablate(gpt2, POOL[:2, :3], grid(gpt2, "z", "layer head"), METRIC, values)
    assert done.values.shape == (2, 3, 2)


def test_the_mean_of_a_pattern_is_one_per_query(gpt2):
    hook = "blocks.0.attn.hook_pattern"
    mean = mean_values(gpt2, POOL, hook)[hook]
    assert mean.shape == (3, 5, 5)
    assert_close(mean.sum(dim=-1), torch.ones(3, 5, dtype=torch.float64))


def test_a_resample_comes_from_the_pool_and_is_never_the_same_sequence(gpt2, tokens):
    hook = "hook_embed"
    pool = torch.cat([tokens, tokens, POOL[:1]])
    for seed in range(12):
        values = resampled_values(gpt2, tokens, pool, hook, seed=seed)[hook]
        for row in range(2):
            rows = [torch.equal(values[row], gpt2.W_E[other]) for other in pool]
            assert any(rows)
            assert not torch.equal(values[row], gpt2.W_E[tokens[row]])


def test_the_seed_of_a_resample_decides(gpt2, tokens):
    state = torch.get_rng_state()
    draws = [resampled_values(gpt2, tokens, POOL, HOOKS, seed=s)[HOOKS[0]] for s in (0, 0, 1)]
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])
    assert torch.equal(torch.get_rng_state(), state)


def test_without_the_induction_head_the_prediction_is_gone():
    model = zoo.load("induction_by_hand")
    tokens = torch.tensor([[0, 5, 9, 3, 7, 5], [0, 4, 8, 2, 6, 4]])
    metric = log_probability(torch.tensor([9, 8]))
    done = ablate(model, tokens, grid(model, "z", "layer head"), metric)
    assert (done.base > -0.01).all()
    # The induction head writes zero then, and every token is as likely as any other.
    assert_close(done.values[1, 0].exp(), torch.full((2,), 1 / 24, dtype=torch.float64))


def test_one_neuron_and_one_position(tokens):
    model = make("gpt2", seed=2)
    done = ablate(model, tokens, [Site("blocks.1.mlp.hook_post", pos=-1, unit=7)], METRIC)

    def cut(post, hook):
        post[:, -1, 7] = 0

    expected = METRIC(model.run_with_hooks(tokens, fwd_hooks=[("blocks.1.mlp.hook_post", cut)]))
    assert_close(done.values[0], expected, rtol=0, atol=1e-12)


def test_values_that_do_not_fit_are_refused(gpt2, tokens):
    cells = grid(gpt2, "z", "layer head")
    with pytest.raises(ValueError, match=r"(?s)shape \(4, 3, 4\).*broadcasts to \(2, 5, 3, 4\)"):
        ablate(
            gpt2, tokens, cells, METRIC, mean_values(gpt2, POOL[:, :4], HOOKS, per_position=True)
        )
    with pytest.raises(ValueError, match="float32"):
        ablate(gpt2, tokens, cells, METRIC, dict.fromkeys(HOOKS, torch.zeros(())))
    nan = torch.full((), torch.nan, dtype=torch.float64)
    with pytest.raises(ValueError, match="NaN"):
        ablate(gpt2, tokens, cells, METRIC, dict.fromkeys(HOOKS, nan))
    with pytest.raises(UnknownHookError, match=r"site at 'blocks\.1\.attn\.hook_z', and no value"):
        ablate(gpt2, tokens, cells, METRIC, zero_values(gpt2, HOOKS[:1]))
    with pytest.raises(ValueError, match="one at least"):
        mean_values(gpt2, POOL[:0], HOOKS)
    with pytest.raises(ValueError, match="same number of positions"):
        resampled_values(gpt2, tokens, POOL[:, :4], HOOKS)
    with pytest.raises(ValueError, match="nothing but copies"):
        resampled_values(gpt2, tokens, tokens[:1], HOOKS)
