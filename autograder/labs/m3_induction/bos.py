"""Exercise 6: what the token at the beginning is for."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor

from autograder.draw import Draw
from autograder.spec import Exercise, Misconception
from course import ToyTransformer, zoo
from course.zoo.induction_by_hand import build

Tokens = Int[Tensor, "batch pos"]
Pair = tuple[float, float]


def _drawn(draw: Draw) -> dict[str, Any]:
    """Return a disguised hand-built model, and sequences with slips in the second copy.

    The output bias decides what the model says where it has no opinion, so that no answer hangs on
    a tie. Without slips, several wrong windows would give the right accuracy.
    """
    batch, period = draw.integer(5, 7), draw.integer(6, 9)
    d_vocab = period + draw.integer(5, 7)
    by_hand = build(d_vocab=d_vocab, n_ctx=2 * period + draw.integer(1, 3))
    tokens = torch.stack([draw.distinct(d_vocab - 1, low=1, high=d_vocab) for _ in range(batch)])
    copy, unused = tokens[:, :period], tokens[:, period:]
    second = copy.clone()
    for row, place in enumerate(draw.distinct(batch, low=0, high=2 * period).tolist()):
        if place < period:
            second[row, place] = unused[row, 0]
    with torch.no_grad():
        by_hand.unembed.b_U.add_(draw.normal(d_vocab).double())
    disguised = zoo.disguise(by_hand, draw.integer(0, 2**31 - 1))
    bos = torch.full((batch, 1), zoo.BOS)
    return {
        "model": disguised.model,
        "tokens": disguised.tokens(torch.cat([bos, copy, second], dim=1)),
        "period": period,
    }


def _case(draw: Draw) -> dict[str, Any]:
    """Draw until every idea, right or wrong, gives other numbers."""
    ideas = (
        *(_right, _drops_last, _window_not_moved, _whole_sequence, _no_shift, _order_swapped),
        *(_first_of_second_copy, _slices_logits, _logits_of_the_tokens, _counts, _stand_in),
        *(_error_rate, _theory),
    )

    def told_apart(case: dict[str, Any]) -> bool:
        answers = {idea(**case) for idea in ideas}
        return len(answers) == len(ideas) and not _right_with_stand_in(case)

    return draw.until(_drawn, told_apart)


def _right_with_stand_in(case: dict[str, Any]) -> bool:
    """Say whether some token in the place of the BOS gives the second number too."""
    right, d_vocab = _right(**case), case["model"].cfg.d_vocab
    return any(_stand_in(**case, token=token) == right for token in range(1, d_vocab))


def _hits(model: ToyTransformer, tokens: Tokens) -> Tensor:
    """Return (batch pos-1): whether the guess made at each position is the next token."""
    with torch.no_grad():
        return model(tokens)[:, :-1].argmax(-1) == tokens[:, 1:]


def _share(hits: Tensor) -> float:
    return hits.double().mean().item()


def _right(model: ToyTransformer, tokens: Tokens, period: int) -> Pair:
    return (
        _share(_hits(model, tokens)[:, period + 1 :]),
        _share(_hits(model, tokens[:, 1:])[:, period:]),
    )


def _drops_last(model: ToyTransformer, tokens: Tokens, period: int) -> Pair:
    with_bos, _ = _right(model, tokens, period)
    return with_bos, _share(_hits(model, tokens[:, :-1])[:, period:])


def _window_not_moved(model: ToyTransformer, tokens: Tokens, period: int) -> Pair:
    with_bos, _ = _right(model, tokens, period)
    return with_bos, _share(_hits(model, tokens[:, 1:])[:, period + 1 :])


def _whole_sequence(model: ToyTransformer, tokens: Tokens, period: int) -> Pair:
    return _share(_hits(model, tokens)), _share(_hits(model, tokens[:, 1:]))


def _no_shift(model: ToyTransformer, tokens: Tokens, period: int) -> Pair:
    def share(tokens: Tokens, start: int) -> float:
        with torch.no_grad():
            return _share((model(tokens).argmax(-1) == tokens)[:, start:-1])

    return share(tokens, period + 1), share(tokens[:, 1:], period)


def _order_swapped(model: ToyTransformer, tokens: Tokens, period: int) -> Pair:
    with_bos, without = _right(model, tokens, period)
    return without, with_bos


def _first_of_second_copy(model: ToyTransformer, tokens: Tokens, period: int) -> Pair:
    return (
        _share(_hits(model, tokens)[:, period:]),
        _share(_hits(model, tokens[:, 1:])[:, period - 1 :]),
    )


def _slices_logits(model: ToyTransformer, tokens: Tokens, period: int) -> Pair:
    with_bos, _ = _right(model, tokens, period)
    return with_bos, with_bos


def _logits_of_the_tokens(model: ToyTransformer, tokens: Tokens, period: int) -> Pair:
    def share(tokens: Tokens) -> float:
        with torch.no_grad():
            return _share((model(tokens).argmax(-1) == tokens)[:, 1 - period :])

    return share(tokens), share(tokens[:, 1:])


def _counts(model: ToyTransformer, tokens: Tokens, period: int) -> Pair:
    with_bos, without = _right(model, tokens, period)
    count = len(tokens) * (period - 1)
    return with_bos * count, without * count


def _error_rate(model: ToyTransformer, tokens: Tokens, period: int) -> Pair:
    with_bos, without = _right(model, tokens, period)
    return 1 - with_bos, 1 - without


def _theory(model: ToyTransformer, tokens: Tokens, period: int) -> Pair:
    return 1.0, (period - 2) / (period - 1)


def _stand_in(model: ToyTransformer, tokens: Tokens, period: int, token: int = 1) -> Pair:
    other = torch.cat([torch.full_like(tokens[:, :1], token), tokens[:, 1:]], dim=1)
    return _right(model, tokens, period)[0], _right(model, other, period)[0]


BOS_ACCURACY = Exercise(
    name="bos_accuracy",
    title="What the BOS is for",
    claim="Without a BOS, position 0 can only name itself as its own predecessor, and what the "
    "hand-built circuit loses by that follows from its weights.",
    objective="Predict how a known circuit fails, and compare with what it does.",
    points=2,
    minutes=15,
    difficulty=3,
    axes=("", ""),
    case=_case,
    misconceptions=(
        Misconception(
            "drops_the_last_token",
            "removes the last token where the first should go",
            "The BOS is at index 0. Which token is missing from `tokens[:, :-1]`?",
            _drops_last,
        ),
        Misconception(
            "window_not_moved",
            "counts from the same index in both runs, though the second copy moves one place left "
            "when the BOS goes",
            "For period 3, write down the indices of the second copy with and without the BOS. "
            "How many predictions does each of your runs count?",
            _window_not_moved,
        ),
        Misconception(
            "whole_sequence",
            "counts all predictions, the impossible ones of the first copy included",
            "Can the model know any token of the first copy? What do those do to your average?",
            _whole_sequence,
        ),
        Misconception(
            "no_shift",
            "compares the guess at a position with the token at the same position",
            "The logits at position p are about the token at p + 1.",
            _no_shift,
        ),
        Misconception(
            "logits_of_the_tokens",
            "compares the last period - 1 tokens with the guesses made where they stand",
            "The guess about a token is made one position before it. Which guess is made at the "
            "last position?",
            _logits_of_the_tokens,
        ),
        Misconception(
            "counts_for_rates",
            "counts the right predictions where a share of them is asked for",
            "An accuracy cannot exceed 1. By what do you divide?",
            _counts,
        ),
        Misconception(
            "error_rate",
            "returns the share of wrong predictions",
            "What should the accuracy be of a model that is always right?",
            _error_rate,
        ),
        Misconception(
            "theory_for_measurement",
            "returns what the theory predicts, 1 and (T - 2) / (T - 1), not what the model does",
            "In the sequences of the check some tokens of the second copy are replaced. Does your "
            "answer depend on `tokens`?",
            _theory,
        ),
        Misconception(
            "replaces_the_bos",
            "puts another token in the place of the BOS where it should be dropped",
            "How many positions has your second run? It should have one fewer than the first.",
            _stand_in,
        ),
        Misconception(
            "order_swapped",
            "returns the accuracy without the BOS first",
            "What does the docstring say comes first?",
            _order_swapped,
        ),
        Misconception(
            "first_of_second_copy",
            "counts one prediction too many: that of the first token of the second copy",
            "At the last token of the first copy, can the model know that a repetition begins? Of "
            "`period` tokens, how many predictions does the second copy hold?",
            _first_of_second_copy,
        ),
        Misconception(
            "slices_logits_not_tokens",
            "lets the model read a BOS in the second run too",
            "For the second number the model must never see the BOS. What do you pass to `model`?",
            _slices_logits,
        ),
    ),
    hints=(
        "Two runs of the same kind: one on `tokens`, one on the tokens without their first column. "
        "What else changes between the two runs?",
        "A prediction is right when the arg max of the logits at a position equals the next token. "
        "With the BOS the first prediction inside the second copy is made at period + 1, without "
        "it at period; in both cases there are period - 1 of them in each sequence.",
        "Write a small function of (tokens, first): `guess = model(tokens).argmax(-1)`, compare "
        "`guess[:, first:-1]` with `tokens[:, first + 1:]`, and average. Call it twice.",
    ),
)
