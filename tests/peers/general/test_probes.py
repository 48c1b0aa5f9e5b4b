"""Probes and calibration agree with scikit-learn, and LEACE with `concept-erasure`."""

import numpy as np
import pytest
import torch
from concept_erasure import LeaceFitter
from scipy.optimize import minimize_scalar
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, RidgeClassifier
from sklearn.metrics import confusion_matrix, log_loss, roc_auc_score, roc_curve
from torch.testing import assert_close

from course.calibration import fit_temperature, reliability
from course.detection import auroc, rates, threshold_at_fpr
from course.erasure import leace
from course.probes import classification_probe, regression_probe


def draw(n=150, d=7, k=3, seed=0):
    """Return correlated activations with a mean, and a class for each."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(k, (n,), generator=generator)
    mixing = torch.randn(d, d, generator=generator, dtype=torch.float64)
    x = torch.randn(n, d, generator=generator, dtype=torch.float64) @ mixing + 4
    return x + torch.randn(k, d, generator=generator, dtype=torch.float64)[labels], labels


@pytest.mark.parametrize("ridge", [0.0, 0.1, 50.0])
@pytest.mark.parametrize("n", [150, 5])
def test_regression_is_ridge(ridge, n):
    x, _ = draw(n)
    targets = x[:, :2] ** 2 - 3
    theirs = (Ridge(alpha=ridge, solver="svd") if ridge else LinearRegression()).fit(x, targets)
    ours = regression_probe(x, targets, ridge)
    assert_close(ours.weight.mT, torch.tensor(theirs.coef_), rtol=1e-6, atol=1e-8)
    assert_close(ours.bias, torch.tensor(theirs.intercept_), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("k", [2, 3, 5])
def test_classification_is_the_ridge_classifier(k):
    (x, labels), (held_out, truth) = draw(k=k), draw(k=k, seed=1)
    theirs = RidgeClassifier(alpha=2.0).fit(x, labels)
    ours = classification_probe(x, labels, 2.0)
    assert ours.classify(held_out).tolist() == theirs.predict(held_out).tolist()
    accuracy = ours.is_correct(held_out, truth).double().mean().item()
    assert accuracy == pytest.approx(theirs.score(held_out, truth))
    scores = ours(held_out) if k > 2 else ours(held_out)[:, 1]
    assert_close(scores, torch.tensor(theirs.decision_function(held_out)), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("k", [2, 3])
@pytest.mark.parametrize("seed", [0, 1])
def test_leace_is_the_concept_erasers(k, seed):
    x, labels = draw(k=k, seed=seed)
    z = torch.nn.functional.one_hot(labels).double()
    # As the paper has it: theirs shrinks the covariance and limits the trace unless told not to.
    fitter = LeaceFitter(7, k, dtype=torch.float64, shrinkage=False, constrain_cov_trace=False)
    theirs = fitter.update(x, z).eraser
    held_out, _ = draw(seed=9)
    assert_close(leace(x, labels)(held_out), theirs(held_out), rtol=1e-8, atol=1e-8)


def test_no_optimised_linear_probe_beats_the_majority_after_leace():
    x, labels = draw()
    erased = leace(x, labels)(x).numpy()
    before = LogisticRegression(max_iter=2000).fit(x, labels).score(x, labels)
    after = LogisticRegression(max_iter=2000).fit(erased, labels).score(erased, labels)
    majority = labels.bincount().max().item() / len(labels)
    assert after == pytest.approx(majority)
    assert before > majority + 0.1


def test_reliability_is_the_calibration_curve():
    generator = torch.Generator().manual_seed(0)
    probability = torch.rand(500, generator=generator, dtype=torch.float64)
    outcome = torch.rand(500, generator=generator, dtype=torch.float64) < probability**2
    table = reliability(probability, outcome, bins=10)
    accuracy, confidence = calibration_curve(outcome.numpy(), probability.numpy(), n_bins=10)
    assert_close(table.accuracy, torch.tensor(accuracy))
    assert_close(table.confidence, torch.tensor(confidence))


def test_the_temperature_is_an_optimisers():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(300, 4, generator=generator, dtype=torch.float64) * 3
    labels = torch.multinomial((logits / 2).softmax(1), 1, generator=generator)[:, 0]

    def loss(temperature):
        return log_loss(labels, (logits / temperature).softmax(1), labels=range(4))

    theirs = minimize_scalar(loss, bounds=(0.1, 10), method="bounded", options={"xatol": 1e-9})
    assert fit_temperature(logits, labels) == pytest.approx(theirs.x, rel=1e-5)


@pytest.mark.parametrize("decimals", [1, 8])
def test_auroc_and_the_rates_at_a_threshold(decimals):
    x, labels = draw()
    scores, is_positive = x[:, 0].round(decimals=decimals), labels == 1
    assert auroc(scores, is_positive).mean == pytest.approx(roc_auc_score(is_positive, scores))
    fpr, tpr, _ = roc_curve(is_positive, scores, drop_intermediate=False)
    for allowed in (0.0, 0.1, 0.5):
        found = rates(scores, is_positive, threshold_at_fpr(scores[~is_positive], allowed))
        best = np.flatnonzero(fpr <= allowed + 1e-12)[-1]
        assert (found.fpr, found.tpr) == pytest.approx((fpr[best], tpr[best]))
    true_negative, false_positive, false_negative, true_positive = confusion_matrix(
        is_positive, scores > 4.0
    ).ravel()
    found = rates(scores, is_positive, 4.0)
    assert found.tpr == pytest.approx(true_positive / (true_positive + false_negative))
    assert found.fpr == pytest.approx(false_positive / (false_positive + true_negative))
    base_rate = is_positive.double().mean().item()
    precision = true_positive / (true_positive + false_positive)
    assert found.precision(base_rate) == pytest.approx(precision)
