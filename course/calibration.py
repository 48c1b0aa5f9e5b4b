"""Calibration: a model that is 80% sure should be right 80% of the time.

The *expected calibration error* sorts predictions into bins by confidence and averages how far
accuracy and confidence lie apart in each (Naeini et al., 2015). *Temperature scaling* divides all
logits by one number, chosen to minimise the loss on held-out examples: it mends confidence that is
too high or too low everywhere, and never changes which class comes first (Guo et al., "On
Calibration of Modern Neural Networks", 2017).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from course._expect import expect_flags, expect_labels, expect_numbers, expect_rows

SHARPEST = 1e6  # of 1 / temperature, in units of the logits' spread


@dataclass(frozen=True)
class Reliability:
    """What a reliability diagram shows: in each bin, how sure and how right.

    Attributes:
        edges: (bin + 1), the bins' ends from 0 to 1; each bin includes its right end, the first
            one both.
        count: (bin), how many predictions.
        confidence, accuracy: (bin), their means; NaN in an empty bin.

    """

    edges: Float[Tensor, "bin_ends"]
    count: Int[Tensor, "bin"]
    confidence: Float[Tensor, "bin"]
    accuracy: Float[Tensor, "bin"]

    @property
    def ece(self) -> float:
        """The expected calibration error, |accuracy - confidence| weighted by the counts."""
        gap = (self.accuracy - self.confidence).abs().nan_to_num()
        return float((self.count * gap).sum() / self.count.sum())


def reliability(
    confidence: Float[Tensor, "n"], is_correct: Bool[Tensor, "n"], *, bins: int = 15
) -> Reliability:
    """Sort predictions into bins of equal width by confidence.

    Args:
        confidence: the probability of the predicted class.
        is_correct: whether the prediction is right.
        bins: how many; bin m is ((m - 1) / bins, m / bins].

    Raises:
        ValueError: for confidences outside 0 to 1, shapes that do not fit, NaN, or no bins.

    """
    expect_numbers("reliability", "confidence", confidence)
    expect_flags("reliability", "is_correct", is_correct, len(confidence))
    if bins < 1 or (confidence < 0).any() or (confidence > 1).any():
        raise ValueError(
            f"reliability was given bins={bins} and confidences from {float(confidence.min()):.4g} "
            f"to {float(confidence.max()):.4g}; expected one bin or more, and probabilities.\n"
            "Logits become probabilities by softmax: logits.softmax(-1).max(-1).values."
        )
    edges = torch.arange(bins + 1, dtype=confidence.dtype, device=confidence.device) / bins
    which = (torch.bucketize(confidence, edges) - 1).clamp(min=0)
    count = torch.bincount(which, minlength=bins)
    sums = [
        torch.zeros(bins, dtype=torch.float64, device=edges.device).index_add(0, which, x.double())
        for x in (confidence, is_correct)
    ]
    return Reliability(edges, count, sums[0] / count, sums[1] / count)


def expected_calibration_error(
    confidence: Float[Tensor, "n"], is_correct: Bool[Tensor, "n"], *, bins: int = 15
) -> float:
    """Return the mean distance of accuracy and confidence over bins, weighted by their counts.

    Arguments and errors are those of `reliability`.
    """
    return reliability(confidence, is_correct, bins=bins).ece


@torch.no_grad()
def fit_temperature(logits: Float[Tensor, "n class"], labels: Int[Tensor, "n"]) -> float:
    """Return the temperature by which to divide logits for the least cross-entropy.

    Choose it on examples other than those it is judged on. The loss is convex in 1 / temperature,
    so its slope is halved in on until it is 0.

    Raises:
        ValueError: for shapes that do not fit or NaN; or where no temperature is best: the logits
            are right on every example (the colder the better), or no better than a guess.

    """
    expect_rows("fit_temperature", "logits", logits, least=1)
    expect_labels("fit_temperature", labels, len(logits))
    if int(labels.max()) >= logits.shape[1]:
        raise ValueError(
            f"fit_temperature was given labels up to {int(labels.max())} for "
            f"{logits.shape[1]} classes; expected 0 to {logits.shape[1] - 1}."
        )
    logits = logits.double()
    spread = float(logits.std(dim=1, correction=0).mean()) or 1.0
    low, high = 0.0, SHARPEST / spread
    if _slope(logits, labels, low) >= 0 or _slope(logits, labels, high) <= 0:
        raise ValueError(
            f"fit_temperature found no best temperature for {len(logits)} examples, of which "
            f"{int((logits.argmax(dim=1) == labels).sum())} are classified right; expected logits "
            "that are better than a guess, and not right every time.\n"
            "Take more examples, or ones that the model has not been trained on."
        )
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if _slope(logits, labels, middle) < 0 else (low, middle)
    return 2 / (low + high)


def _slope(logits: Tensor, labels: Tensor, coldness: float) -> float:
    """Return the derivative of the cross-entropy in 1 / temperature."""
    expected = ((logits * coldness).softmax(dim=1) * logits).sum(dim=1)
    return float((expected - logits.gather(1, labels.long()[:, None])[:, 0]).mean())
