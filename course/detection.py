"""Detectors: how well a score tells two kinds apart, and what an alarm is worth.

*AUROC* is the chance that a positive scores above a negative, ties counted half: it looks at the
order only (Hanley & McNeil, 1982). To act, one needs a threshold; it is chosen on negatives that
are kept apart, so that at most a stated part of them raises the alarm, and judged on others. How
many alarms are true then depends on how rare the positives are, which no score can tell.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from course._expect import expect_flags, expect_numbers
from course.intervals import Interval


@torch.no_grad()
def auroc(
    scores: Float[Tensor, "n"],
    is_positive: Bool[Tensor, "n"],
    *,
    confidence: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> Interval:
    """Return the AUROC with its bootstrap interval; positives and negatives are each resampled.

    Args:
        scores: higher should mean positive.
        is_positive: which are.
        confidence: how much of the resampled AUROCs lies within the interval.
        resamples: how many are drawn.
        seed: of the draws; torch's own generator is left alone.

    Raises:
        ValueError: for shapes that do not fit, NaN, fewer than two of either kind, or a confidence
            that is not between 0 and 1.

    """
    expect_numbers("auroc", "scores", scores)
    expect_flags("auroc", "is_positive", is_positive, len(scores))
    positive, negative = scores[is_positive], scores[~is_positive]
    if min(len(positive), len(negative)) < 2 or not 0 < confidence < 1 or resamples < 1:
        raise ValueError(
            f"auroc was given {len(positive)} positives, {len(negative)} negatives, "
            f"confidence={confidence} and resamples={resamples}; expected two of either kind at "
            "least, 0 < confidence < 1, and a resample or more."
        )
    over = (positive[:, None] > negative).double() + (positive[:, None] == negative).double() / 2
    generator = torch.Generator().manual_seed(seed)
    drawn = [_part_drawn(len(kind), resamples, generator) for kind in (positive, negative)]
    means = ((drawn[0] @ over) * drawn[1]).sum(dim=1)
    tail = (1 - confidence) / 2
    low, high = torch.quantile(means, means.new_tensor([tail, 1 - tail])).tolist()
    return Interval(float(over.mean()), low, high, len(scores))


def threshold_at_fpr(negative_scores: Float[Tensor, "n"], fpr: float) -> float:
    """Return the lowest of these scores that at most a part `fpr` of them exceeds.

    An alarm is a score *above* it. Choose it on validation negatives, and report the rates on test
    examples: on the former the stated rate holds by construction.

    Raises:
        ValueError: for no scores, NaN, or a rate outside 0 to 1 (1 excluded).

    """
    expect_numbers("threshold_at_fpr", "negative_scores", negative_scores)
    if not 0 <= fpr < 1:
        raise ValueError(f"threshold_at_fpr was given fpr={fpr}; expected 0 <= fpr < 1.")
    descending = negative_scores.sort(descending=True).values
    # 0.29 * 100 is 28.999999999999996 in floating point, and means 29.
    allowed = int(fpr * len(descending) + 1e-9)
    return float(descending[allowed])


@dataclass(frozen=True)
class Rates:
    """What a threshold does, on examples it was not chosen on.

    Attributes:
        tpr: of the positives, the part that raises the alarm.
        fpr: of the negatives, the part that does.
        n_positive, n_negative: how many there were.

    """

    tpr: float
    fpr: float
    n_positive: int
    n_negative: int

    def precision(self, base_rate: float) -> float:
        """Return the part of alarms that are true where positives are `base_rate` of all.

        Raises:
            ValueError: for a base rate outside 0 to 1, or a threshold that never raises the alarm.

        """
        true, false = self.tpr * base_rate, self.fpr * (1 - base_rate)
        if not 0 <= base_rate <= 1 or true + false == 0:
            raise ValueError(
                f"precision was asked for at base_rate={base_rate} with tpr={self.tpr:.4g} and "
                f"fpr={self.fpr:.4g}; expected 0 to 1, and some alarms.\nThe threshold may be "
                "above all scores."
            )
        return true / (true + false)


def rates(scores: Float[Tensor, "n"], is_positive: Bool[Tensor, "n"], threshold: float) -> Rates:
    """Return the parts of positives and of negatives that score above a threshold.

    Raises:
        ValueError: for shapes that do not fit, NaN, or examples of one kind only.

    """
    expect_numbers("rates", "scores", scores)
    expect_flags("rates", "is_positive", is_positive, len(scores))
    n_positive = int(is_positive.sum())
    if n_positive in (0, len(scores)):
        raise ValueError(
            f"rates was given {n_positive} positives of {len(scores)} examples; expected some of "
            "either kind."
        )
    alarm = (scores > threshold).double()
    tpr, fpr = float(alarm[is_positive].mean()), float(alarm[~is_positive].mean())
    return Rates(tpr, fpr, n_positive, len(scores) - n_positive)


def _part_drawn(n: int, resamples: int, generator: torch.Generator) -> Float[Tensor, "resample n"]:
    """Return how large a part of each resample each example is."""
    drawn = torch.randint(n, (resamples, n), generator=generator)
    counts = torch.zeros(resamples, n, dtype=torch.float64)
    return counts.scatter_add_(1, drawn, torch.ones_like(counts)) / n
