"""Gradients: finite differences, linear models, and what has none."""

import pytest
import torch
from torch.testing import assert_close

from course.as_functions import embed, of_embeddings
from course.gradients import gradient, gradient_x_input, saliency
from course.metrics import logit_difference


def product(x):
    return x[:, 0] * x[:, 1]


def test_a_product():
    x = torch.tensor([[3.0, 5.0], [-2.0, 1.0]])
    assert_close(gradient(product, x), torch.tensor([[5.0, 3.0], [1.0, -2.0]]))
    assert_close(saliency(product, x), torch.tensor([[5.0, 3.0], [1.0, 2.0]]))
    assert_close(gradient_x_input(product, x).sum(1), torch.tensor([30.0, -4.0]))


def test_a_single_input():
    assert_close(gradient(lambda x: x.prod(), torch.tensor([3.0, 5.0])), torch.tensor([5.0, 3.0]))


def test_a_linear_model_gives_its_weights_and_no_bias():
    weight = torch.randn(4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x = torch.arange(8, dtype=torch.float64).view(2, 4)
    assert_close(gradient(lambda x: x @ weight + 3, x), weight.expand(2, 4))
    assert_close(gradient_x_input(lambda x: x @ weight + 3, x).sum(1), x @ weight)


def test_finite_differences(model, tokens):
    f = of_embeddings(model, logit_difference(torch.tensor([1, 2]), 5))
    x = embed(model, tokens)
    slope = gradient(f, x)
    for at in [(0, 1, 2), (1, 4, 0), (1, 0, 5)]:
        step = torch.zeros_like(x)
        step[at] = 1e-6
        assert_close((f(x + step) - f(x - step))[at[0]] / 2e-6, slope[at], rtol=1e-5, atol=1e-7)


def test_the_caller_keeps_grad_mode_gradients_and_arguments(gpt2, tokens):
    f = of_embeddings(gpt2, logit_difference(1, 2))
    x = embed(gpt2, tokens)
    expected = gradient(f, x)
    with torch.no_grad():
        assert_close(gradient(f, x), expected)
        assert not torch.is_grad_enabled()
    with torch.inference_mode():
        assert_close(gradient(f, embed(gpt2, tokens)), expected)
    assert not x.requires_grad
    assert all(parameter.grad is None for parameter in gpt2.parameters())


@pytest.mark.parametrize(
    ("f", "x", "said"),
    [
        (product, torch.ones(2, 2, dtype=torch.long), "Token ids have no gradient"),
        (product, torch.full((2, 2), torch.nan), "finite"),
        (lambda x: x, torch.ones(2, 2), "one number for each row"),
        (lambda x: 3.0, torch.ones(2, 2), "one number for each row"),
        (lambda x: x.detach().sum(1), torch.ones(2, 2), "do not depend"),
        (lambda x: torch.ones(2, requires_grad=True) * 2, torch.ones(2, 2), "do not depend"),
    ],
)
def test_bad_input(f, x, said):
    with pytest.raises(ValueError, match=said):
        gradient(f, x)
