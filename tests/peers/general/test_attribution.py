"""Attributions agree with captum, shap and lime on the same functions, games and models."""

import captum.attr
import numpy as np
import pytest
import shap
import torch
from lime.lime_base import LimeBase
from sklearn.linear_model import LinearRegression, Ridge
from specimens import KINDS, make
from torch.testing import assert_close

from course.as_functions import all_coalitions, embed, of_embeddings, token_game
from course.gradients import gradient, gradient_x_input, saliency
from course.integrated_gradients import integrated_gradients
from course.lime import lime, lime_kernel
from course.metrics import logit_difference
from course.shapley import shapley_values

TOKENS = torch.tensor([[0, 7, 3, 7, 10], [4, 4, 1, 9, 2]])
OTHER = torch.tensor([[0, 2, 3, 1, 10], [4, 8, 1, 9, 6]])
METRIC = logit_difference(1, 2)


@pytest.fixture(params=KINDS)
def on_model(request):
    """Give a metric of a model of each kind as a function of embeddings, at two sequences."""
    model = make(request.param)
    return of_embeddings(model, METRIC), embed(model, TOKENS), embed(model, OTHER)


def test_saliency_and_gradient_x_input_are_captums(on_model):
    f, x, _ = on_model
    leaf = x.clone().requires_grad_()
    assert_close(saliency(f, x), captum.attr.Saliency(f).attribute(leaf, abs=True))
    assert_close(gradient(f, x), captum.attr.Saliency(f).attribute(leaf, abs=False))
    assert_close(gradient_x_input(f, x), captum.attr.InputXGradient(f).attribute(leaf).detach())


@pytest.mark.parametrize("steps", [2, 5])
def test_integrated_gradients_are_captums_by_the_midpoint_rule(on_model, steps):
    f, x, baseline = on_model
    found = integrated_gradients(f, x, baseline, steps=steps)
    # captum puts all steps into one batch: a metric with one answer for all sequences allows it.
    theirs, gap = captum.attr.IntegratedGradients(f).attribute(
        x, baseline, n_steps=steps, method="riemann_middle", return_convergence_delta=True
    )
    assert_close(found.attributions, theirs)
    assert_close(found.gap, gap)


def test_integrated_gradients_come_to_captums_quadrature():
    model = make("gpt2")
    f, x, baseline = of_embeddings(model, METRIC), embed(model, TOKENS), embed(model, OTHER)
    found = integrated_gradients(f, x, baseline, steps=200)
    theirs = captum.attr.IntegratedGradients(f).attribute(x, baseline, n_steps=50)
    assert_close(found.attributions, theirs, rtol=1e-3, atol=1e-3)


@pytest.fixture(params=["gpt2", "rms_rotary"])
def game(request):
    """Give a game of five tokens."""
    return token_game(make(request.param), TOKENS[0], 8, METRIC)


def as_array_function(game):
    return lambda rows: game(torch.as_tensor(np.asarray(rows) > 0.5)).numpy()


def test_shapley_values_are_captums(game):
    ones = torch.ones(1, 5, dtype=torch.float64)
    theirs = captum.attr.ShapleyValues(lambda x: game(x > 0.5)).attribute(ones, torch.zeros(1, 5))
    assert_close(shapley_values(game, 5), theirs[0].double(), rtol=1e-5, atol=1e-6)


def test_shapley_values_are_shaps(game):
    masker = shap.maskers.Independent(np.zeros((1, 5)))
    theirs = shap.explainers.Exact(as_array_function(game), masker)(np.ones((1, 5)))
    assert_close(shapley_values(game, 5), torch.tensor(theirs.values[0]))


@pytest.mark.parametrize("ridge", [0.0, 0.3])
def test_lime_is_limes(game, ridge):
    coalitions, weights = all_coalitions(5), lime_kernel(5)
    regressor = Ridge(alpha=ridge) if ridge else LinearRegression()
    distances = 1 - np.sqrt(coalitions.double().mean(1).numpy())
    base = LimeBase(lambda d: np.sqrt(np.exp(-(d**2) / 0.25**2)))
    intercept, coefficients, *_ = base.explain_instance_with_data(
        coalitions.double().numpy(),
        game(coalitions).numpy()[:, None],
        distances,
        0,
        5,
        feature_selection="none",
        model_regressor=regressor,
    )
    theirs = torch.tensor([value for _, value in sorted(coefficients)], dtype=torch.float64)
    found = lime(game, 5, weights, ridge=ridge)
    assert_close(found.coefficients, theirs)
    assert found.intercept.item() == pytest.approx(intercept)


def test_the_kernel_is_that_of_limes_text_explainer():
    from lime.lime_text import LimeTextExplainer
    from sklearn.metrics import pairwise_distances

    rows = all_coalitions(5).double().numpy()
    distances = pairwise_distances(rows, rows[-1:], metric="cosine").ravel() * 100
    theirs = LimeTextExplainer().base.kernel_fn(distances)
    assert_close(lime_kernel(5), torch.tensor(theirs))
