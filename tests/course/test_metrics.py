"""Metrics give one finite number for each sequence, or say why not."""

import pytest
import torch
from specimens import make
from torch.testing import assert_close

from course.metrics import log_probability, logit_difference, measured


@pytest.fixture
def logits(tokens):
    with torch.no_grad():
        return make("gpt2")(tokens)


def test_the_logit_difference_of_one_pair_for_all(logits):
    expected = torch.stack(
        [logits[0, -1, 3] - logits[0, -1, 5], logits[1, -1, 3] - logits[1, -1, 5]]
    )
    assert torch.equal(logit_difference(3, 5)(logits), expected)


def test_each_sequence_may_have_its_own_tokens_and_position(logits):
    metric = logit_difference(torch.tensor([3, 1]), torch.tensor([5, 0]), torch.tensor([2, -1]))
    expected = torch.stack([logits[0, 2, 3] - logits[0, 2, 5], logits[1, 4, 1] - logits[1, 4, 0]])
    assert torch.equal(metric(logits), expected)
    mixed = logit_difference(3, torch.tensor([5, 0]), 1)(logits)
    assert torch.equal(mixed, logits[:, 1, 3] - torch.stack([logits[0, 1, 5], logits[1, 1, 0]]))


def test_what_raises_all_logits_is_ignored_by_the_difference_alone(logits):
    assert_close(logit_difference(3, 5)(logits + 7), logit_difference(3, 5)(logits))
    assert_close(log_probability(3)(logits + 7), log_probability(3)(logits))
    assert_close(log_probability(3, 2)(logits), logits[:, 2].softmax(dim=-1)[:, 3].log())


def test_metrics_have_names_that_errors_can_use(logits):
    assert logit_difference(3, 5).__name__ == "logit_difference"
    assert log_probability(3).__name__ == "log_probability"


@pytest.mark.parametrize(
    ("metric", "says"),
    [
        (logit_difference(11, 5), r"token 11 at position -1 of logits \(2, 5, 11\)"),
        (logit_difference(torch.tensor([1, 11]), 5), r"token \[1, 11\]"),
        (logit_difference(3, 5, 5), "position 5"),
        (logit_difference(3, 5, torch.tensor([0, 1, 2])), r"position \[0, 1, 2\]"),
        (lambda logits: logits.mean(), r"returned shape \(\).*\(2,\)"),
        (lambda logits: 3.0, "returned 3.0"),
        (lambda logits: logits[:, 0, 0] / 0, "finite"),
    ],
)
def test_a_metric_that_does_not_fit_is_refused(metric, says, logits):
    with pytest.raises(ValueError, match=f"(?s){says}"):
        measured(metric, logits)


def test_padding_is_no_token():
    with pytest.raises(ValueError, match="wrong=-100"):
        logit_difference(3, -100)
    with pytest.raises(ValueError, match=r"token=\[1, -1\]"):
        log_probability(torch.tensor([1, -1]))
