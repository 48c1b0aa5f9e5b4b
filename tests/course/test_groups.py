"""Accuracy by group, and how the average hides the worst."""

import pytest
import torch

from course.groups import group_accuracy, worst_group

CORRECT = torch.tensor([True] * 18 + [False, True])
GROUPS = torch.tensor([0] * 12 + [3] * 6 + [1, 1])


def test_each_group_has_n_and_an_interval():
    table = group_accuracy(CORRECT, GROUPS)
    assert {group: (found.mean, found.n) for group, found in table.items()} == {
        0: (1.0, 12),
        1: (0.5, 2),
        3: (1.0, 6),
    }
    assert (table[1].low, table[1].high) == (0.0, 1.0)


def test_the_worst_is_not_the_average():
    group, found = worst_group(CORRECT, GROUPS)
    assert (group, found.mean) == (1, 0.5)
    assert CORRECT.double().mean() == 0.95


@pytest.mark.parametrize(
    ("correct", "groups", "said"),
    [
        (CORRECT, GROUPS[:3], "20 examples"),
        (CORRECT.double(), GROUPS, "torch.bool"),
        (CORRECT, GROUPS.double(), "whole number"),
        (CORRECT[:3], torch.tensor([0, 0, 1]), "one example of group 1"),
        (CORRECT[:0], GROUPS[:0], "one example at least"),
    ],
)
def test_bad_input(correct, groups, said):
    with pytest.raises(ValueError, match=said):
        worst_group(correct, groups)
