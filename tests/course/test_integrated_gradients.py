"""Integrated gradients: closed forms, completeness, and the baseline that does not converge."""

import pytest
import torch
from specimens import make
from torch.testing import assert_close

from course.as_functions import embed, of_embeddings
from course.gradients import gradient, gradient_x_input
from course.integrated_gradients import integrated_gradients
from course.metrics import logit_difference


def test_a_product_is_shared_equally():
    x = torch.tensor([[3.0, 5.0]], dtype=torch.float64)
    found = integrated_gradients(lambda x: x[:, 0] * x[:, 1], x, torch.zeros_like(x), steps=1)
    assert_close(found.attributions, torch.tensor([[7.5, 7.5]], dtype=torch.float64))
    assert_close(found.gap, torch.zeros(1, dtype=torch.float64))
    assert gradient_x_input(lambda x: x[:, 0] * x[:, 1], x).sum() == 30


@pytest.mark.parametrize("steps", [2, 10, 50])
def test_a_saturated_unit_is_seen(steps):
    x = torch.tensor([[2.0]], dtype=torch.float64)

    def f(x):
        return 1 - torch.relu(1 - x[:, 0])

    assert gradient(f, x) == 0
    found = integrated_gradients(f, x, torch.zeros_like(x), steps=steps)
    assert_close(found.attributions, torch.ones_like(x))
    assert found.difference == 1


def test_the_baseline_counts():
    x, baseline = torch.tensor([[3.0, 5.0]]), torch.tensor([[1.0, 4.0]])
    found = integrated_gradients(lambda x: x[:, 0] * x[:, 1], x, baseline, steps=1)
    assert_close(found.attributions, torch.tensor([[2 * 4.5, 1 * 2.0]]))


def test_a_single_input_and_many_axes():
    x = torch.arange(6.0).view(1, 2, 3)
    found = integrated_gradients(lambda x: x.pow(2).sum((1, 2)), x, torch.ones_like(x), steps=4)
    assert_close(found.attributions, x**2 - 1)
    alone = integrated_gradients(lambda x: x.pow(2).sum(), x[0], torch.ones(2, 3), steps=4)
    assert_close(alone.attributions, found.attributions[0])
    assert_close(alone.gap, torch.tensor(0.0))


def test_completeness_on_a_transformer_improves_with_the_square_of_the_steps(tokens):
    model = make("gpt2", seed=1)
    f = of_embeddings(model, logit_difference(1, 2))
    x, baseline = embed(model, tokens), embed(model, tokens.flip(1) + tokens % 2)
    gaps = [integrated_gradients(f, x, baseline, steps=steps).gap.abs().max() for steps in (20, 80)]
    assert gaps[1] < 1e-3
    assert 8 < gaps[0] / gaps[1] < 32  # a midpoint rule gains 16; left Riemann would gain 4


def test_tokens_that_agree_with_the_baseline_get_nothing(gpt2, tokens):
    other = tokens.clone()
    other[:, 2] = 8
    f = of_embeddings(gpt2, logit_difference(1, 2))
    found = integrated_gradients(f, embed(gpt2, tokens), embed(gpt2, other))
    per_token = found.attributions.sum(dim=-1)
    assert (per_token[:, [0, 1, 3, 4]] == 0).all()
    assert_close(per_token[:, 2], found.difference, rtol=1e-3, atol=1e-3)


def test_a_stream_of_zeros_does_not_converge_under_layer_norm(gpt2, tokens):
    metric = logit_difference(1, 2)
    name = "blocks.0.hook_resid_pre"

    def f(stream):
        return metric(gpt2.run_with_hooks(tokens, fwd_hooks=[(name, lambda x, hook: stream)]))

    x = gpt2.run_with_cache(tokens, names=name)[1][name].detach()
    other = gpt2.run_with_cache(tokens.flip(1), names=name)[1][name].detach()
    zeros = integrated_gradients(f, x, torch.zeros_like(x)).gap.abs().max()
    tokens_instead = integrated_gradients(f, x, other).gap.abs().max()
    assert zeros > 100 * tokens_instead


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"baseline": torch.zeros(2)}, "expected the same"),
        ({"baseline": torch.zeros(1, 2, dtype=torch.float64)}, "expected the same"),
        ({"baseline": torch.zeros(1, 2), "steps": 0}, "1 or more"),
    ],
)
def test_bad_input(options, said):
    with pytest.raises(ValueError, match=said):
        integrated_gradients(lambda x: x.sum(1), torch.ones(1, 2), **options)


def test_no_arguments_change_and_float32_stays(gpt2, tokens):
    model = make("gpt2", dtype="float32")
    x, baseline = embed(model, tokens), embed(model, tokens.flip(1))
    kept = x.clone(), baseline.clone()
    f = of_embeddings(model, logit_difference(1, 2))
    with torch.inference_mode():
        found = integrated_gradients(f, x, baseline, steps=3)
    assert found.attributions.dtype == found.gap.dtype == torch.float32
    assert_close((x, baseline), kept)
