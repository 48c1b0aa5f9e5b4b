"""Counterfactual audits: change one thing about the input that should not matter, and compare.

Each input is compared with itself: the same sentence about another name, say. The *paired gap* is
the mean change of a score, the *flip rate* how often the decision changes (Kusner et al.,
"Counterfactual Fairness", 2017; Garg et al., "Counterfactual Fairness in Text Classification",
2019). An input in which there was nothing to swap says nothing, and does not count.
"""

from __future__ import annotations

from collections.abc import Mapping

from jaxtyping import Float, Int, Shaped
from torch import Tensor

from course._expect import expect_numbers
from course.intervals import Interval, bootstrap


def swap_tokens(
    tokens: Int[Tensor, "batch pos"], pairs: Mapping[int, int]
) -> Int[Tensor, "batch pos"]:
    """Return the sequences with each token of a pair replaced by the other, both ways.

    Args:
        tokens: the sequences.
        pairs: from one token to the other; `{3: 5}` turns 3 into 5 and 5 into 3.

    Raises:
        ValueError: for no pairs, a token in two pairs, or one paired with itself.

    """
    both = [*pairs.keys(), *pairs.values()]
    if not pairs or len(set(both)) < len(both):
        raise ValueError(
            f"swap_tokens was given the pairs {dict(pairs)}; expected one pair at least, and every "
            "token in one pair only.\nEach pair is swapped both ways, so name it once."
        )
    swapped = tokens.clone()
    for one, other in pairs.items():
        swapped[tokens == one], swapped[tokens == other] = other, one
    return swapped


def is_changed(
    tokens: Int[Tensor, "batch pos"], swapped: Int[Tensor, "batch pos"]
) -> Shaped[Tensor, "batch"]:
    """Return which sequences the swap changed: only they can show an effect.

    Raises:
        ValueError: for shapes that differ, or if none was changed.

    """
    if tokens.shape != swapped.shape:
        raise ValueError(
            f"is_changed was given tokens of shape {tuple(tokens.shape)} and {tuple(swapped.shape)}"
            "; expected the same sequences before and after the swap."
        )
    changed = (tokens != swapped).any(dim=-1)
    if not changed.any():
        raise ValueError(
            f"is_changed found all {len(tokens)} sequences unchanged; expected some in which there "
            "was something to swap.\nThe pairs may hold ids of another vocabulary."
        )
    return changed


def paired_gap(before: Float[Tensor, "n"], after: Float[Tensor, "n"], *, seed: int = 0) -> Interval:
    """Return the mean of after minus before, pair by pair, with its interval.

    Give only pairs that differ (`is_changed`). Pairing takes out what makes sentences score
    differently for other reasons, so the interval is that of the differences.

    Raises:
        ValueError: for anything but one number for each of the same two or more inputs.

    """
    expect_numbers("paired_gap", "before", before)
    expect_numbers("paired_gap", "after", after, len(before))
    return bootstrap(after.double() - before.double(), seed=seed)


def flip_rate(
    before: Shaped[Tensor, "n"], after: Shaped[Tensor, "n"], *, seed: int = 0
) -> Interval:
    """Return how often the decision differs between the two inputs of a pair, with its interval.

    Give only pairs that differ (`is_changed`); the others can only dilute it.

    Args:
        before: a decision for each input, True or False or a class: not a score.
        after: the decisions for the same inputs, changed.
        seed: of the bootstrap.

    Raises:
        ValueError: for scores, or anything but one decision for each of the same inputs.

    """
    expect_numbers("flip_rate", "before", before)
    expect_numbers("flip_rate", "after", after, len(before))
    if before.is_floating_point() or after.is_floating_point():
        raise ValueError(
            f"flip_rate was given {before.dtype} and {after.dtype}; expected decisions: True or "
            "False, or classes as whole numbers.\nA score becomes one at a threshold: scores > 0."
        )
    return bootstrap(before != after, seed=seed)
