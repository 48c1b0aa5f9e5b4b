"""What is open knowledge of the languages: majorities, harm, who applies."""

from __future__ import annotations

import pytest
import torch

from course.zoo.languages import (
    APPLICATIONS,
    HARMFUL,
    HARMLESS,
    OUTINGS,
    REQUESTS,
    applicants,
    is_harmful,
    majority,
    state_reasons,
)


def test_the_majority_is_that_of_two_of_three():
    factors = {"a": torch.tensor([0, 1, 2, 3]), "b": torch.tensor([4, 5, 6, 7])}
    factors["c"] = torch.tensor([1, 0, 2, 5])
    assert majority(factors, "a", "b", "c").tolist() == [0, 1, 0, 1]
    with pytest.raises(ValueError, match="odd number"):
        majority(factors, "a", "b")


def test_harm_is_in_the_object():
    factors = REQUESTS.every()
    words = [REQUESTS.slots["object"][index] for index in factors["object"]]
    expected = [word in HARMFUL for word in words]
    assert is_harmful(factors).tolist() == expected
    assert len(HARMFUL) == len(HARMLESS)
    assert sum(expected) * 2 == len(expected)


@pytest.mark.parametrize("seed", [0, 1])
def test_applicants_are_not_equally_qualified(seed):
    factors = applicants(4000, torch.Generator().manual_seed(seed))
    APPLICATIONS.tokens(factors)
    second = factors["name"] % 2 == 1
    assert torch.equal(factors["pronoun"] == 1, second)
    assert 0.46 < second.double().mean() < 0.54
    # The mean of the better of two of 0..3 is 2.125, of the worse 0.875.
    degree = factors["degree"].double()
    assert abs(degree[~second].mean() - 2.125) < 0.1
    assert abs(degree[second].mean() - 0.875) < 0.1


def test_only_outings_have_reasons():
    with pytest.raises(ValueError, match="does not fit"):
        state_reasons(None, torch.zeros(1, len(OUTINGS.text.split()) + 1, dtype=torch.int64))  # pyright: ignore[reportArgumentType]
