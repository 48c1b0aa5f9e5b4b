"""What is asked of a model's logits: one number for each sequence.

A metric is any function from logits (batch pos d_vocab) to one number a sequence (batch). The
instruments call it with the sequences that they were given, in the same order, so it may know what
each should answer. The logit difference is the usual one: it ignores whatever raises all logits
alike, and is linear in the last residual stream up to its normalisation, as a probability is not
(Wang et al., "Interpretability in the Wild", 2022; Zhang & Nanda, "Towards Best Practices of
Activation Patching", 2023).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor

Metric = Callable[[Float[Tensor, "batch pos d_vocab"]], Float[Tensor, "batch"]]
Tokens = int | Int[Tensor, "batch"]
Positions = int | Int[Tensor, "batch"]


def logit_difference(correct: Tokens, wrong: Tokens, pos: Positions = -1) -> Metric:
    """Return the metric logit of the correct token minus logit of the wrong one, at a position.

    Each argument is one number for all sequences or one for each (batch).

    Raises:
        ValueError: for a token below 0; when called, for one outside the vocabulary, a position
            outside the sequence, or another number of sequences.

    """
    check_ids(correct=correct, wrong=wrong)

    def logit_difference(logits: Float[Tensor, "batch pos d_vocab"]) -> Float[Tensor, "batch"]:
        return at(logits, pos, correct) - at(logits, pos, wrong)

    return logit_difference


def log_probability(token: Tokens, pos: Positions = -1) -> Metric:
    """Return the metric log-probability, in nats, of a token at a position.

    Arguments and errors are those of `logit_difference`.
    """
    check_ids(token=token)

    def log_probability(logits: Float[Tensor, "batch pos d_vocab"]) -> Float[Tensor, "batch"]:
        return at(logits.log_softmax(dim=-1), pos, token)

    return log_probability


def at(
    values: Float[Tensor, "batch pos d_vocab"], pos: Positions, token: Tokens
) -> Float[Tensor, "batch"]:
    """Return one value of each sequence: that of its token at its position.

    Raises:
        ValueError: if there is no such position or token in `values`, or not one for each sequence.

    """
    try:
        if isinstance(pos, int) and isinstance(token, int):
            return values[:, pos, token]
        rows = torch.arange(len(values), device=values.device)
        return values[rows, pos, token]
    except (IndexError, RuntimeError) as error:
        raise ValueError(
            f"A metric looked for token {_shown(token)} at position {_shown(pos)} of logits "
            f"{tuple(values.shape)}; expected (batch pos d_vocab), with one token and one position "
            "for all sequences or one for each.\n"
            "The metric may have been made for other sequences or another vocabulary."
        ) from error


def measured(metric: Metric, logits: Float[Tensor, "batch pos d_vocab"]) -> Float[Tensor, "batch"]:
    """Return what a metric says of the logits, if that is a finite number for each sequence.

    Raises:
        ValueError: for another shape, NaN or infinity.

    """
    values = metric(logits)
    name = getattr(metric, "__name__", repr(metric))
    if not isinstance(values, Tensor) or values.shape != logits.shape[:1]:
        what = f"shape {tuple(values.shape)}" if isinstance(values, Tensor) else repr(values)
        raise ValueError(
            f"The metric {name} returned {what} for logits {tuple(logits.shape)}; expected one "
            f"number for each sequence, ({len(logits)},).\n"
            "It may take the mean over the batch: leave that to whoever reads the result."
        )
    if not values.isfinite().all():
        raise ValueError(
            f"The metric {name} returned {values.tolist()}; expected finite numbers.\n"
            "The logits may be NaN (look at what was written into the model), or the metric may "
            "divide by zero."
        )
    return values


def check_ids(**tokens: Tokens) -> None:
    """Raise ValueError for a token below 0, which would count from the vocabulary's end."""
    for name, ids in tokens.items():
        if bool((torch.as_tensor(ids) < 0).any()):
            raise ValueError(
                f"The token {name}={_shown(ids)} is below 0; expected ids of the vocabulary.\n"
                "-100 and the like mark padding: leave such sequences out."
            )


def _shown(index: Tokens) -> object:
    return index.tolist() if isinstance(index, Tensor) else index
