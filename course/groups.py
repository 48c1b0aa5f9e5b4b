"""Accuracy by group: an average hides whom it fails.

A model that relies on a shortcut is right wherever the shortcut holds, and wrong on the few for
whom it does not; the average barely moves (Sagawa et al., "Distributionally Robust Neural
Networks for Group Shifts", 2020).
"""

from __future__ import annotations

from jaxtyping import Bool, Int
from torch import Tensor

from course._expect import expect_flags, expect_labels
from course.intervals import Interval, bootstrap


def group_accuracy(
    is_correct: Bool[Tensor, "n"], groups: Int[Tensor, "n"], *, seed: int = 0
) -> dict[int, Interval]:
    """Return the accuracy in each group, with n and its bootstrap interval.

    Args:
        is_correct: whether each example is answered right.
        groups: its group, from 0.
        seed: of the bootstrap.

    Raises:
        ValueError: for shapes that do not fit, or a group with a single example.

    """
    expect_flags("group_accuracy", "is_correct", is_correct)
    expect_labels("group_accuracy", groups, len(is_correct))
    table = {}
    for group in groups.unique().tolist():
        chosen = is_correct[groups == group]
        if len(chosen) < 2:
            raise ValueError(
                f"group_accuracy was given one example of group {group}; expected two at least, "
                "for there is no interval of one.\nMerge small groups, or take more examples."
            )
        table[group] = bootstrap(chosen, seed=seed)
    return table


def worst_group(
    is_correct: Bool[Tensor, "n"], groups: Int[Tensor, "n"], *, seed: int = 0
) -> tuple[int, Interval]:
    """Return the group with the lowest accuracy (the first of equals), and that accuracy.

    Arguments and errors are those of `group_accuracy`.
    """
    table = group_accuracy(is_correct, groups, seed=seed)
    worst = min(table, key=lambda group: table[group].mean)
    return worst, table[worst]
