"""Exercises 1 and 2: one number per head, read off an attention pattern."""

from __future__ import annotations

from typing import Any

from jaxtyping import Float
from torch import Tensor

from autograder.draw import Draw
from autograder.spec import Exercise, Misconception

Pattern = Float[Tensor, "batch head query key"]
Score = Float[Tensor, "head"]


def _diagonal(pattern: Pattern, back: int) -> Float[Tensor, "batch head diagonal"]:
    """Return the attention from each query to the key `back` places earlier."""
    return pattern.diagonal(-back, dim1=-2, dim2=-1)


# --- previous_token_score ---------------------------------------------------------------------


def _previous_token_case(draw: Draw) -> dict[str, Any]:
    batch, head = draw.choice((2, 3), (3, 4), (2, 5), (4, 3))
    return {"pattern": draw.pattern(batch, head, draw.integer(6, 9))}


PREVIOUS_TOKEN_SCORE = Exercise(
    name="previous_token_score",
    title="Previous-token score",
    claim="A head that looks one token back is found by averaging one diagonal of its pattern.",
    objective="Turn a picture of an attention pattern into one number per head.",
    points=1,
    minutes=6,
    difficulty=1,
    axes="head",
    case=_previous_token_case,
    misconceptions=(
        Misconception(
            "attends_to_itself",
            "averages the main diagonal: the attention each token pays to itself",
            "Write down the query and the key of one entry that you average. How far apart are "
            "they?",
            lambda pattern: _diagonal(pattern, 0)[..., 1:].mean((0, -1)),
        ),
        Misconception(
            "two_back",
            "averages the attention to the token two places back",
            "For query 5 the token before is at 4. Which key does your code read for query 5?",
            lambda pattern: _diagonal(pattern, 2).mean((0, -1)),
        ),
        Misconception(
            "divides_by_all_positions",
            "divides by the number of positions, though position 0 has no token before it",
            "How many queries have a token before them, in a sequence of 6? By what do you divide?",
            lambda pattern: _diagonal(pattern, 1).sum(-1).mean(0) / pattern.shape[-1],
        ),
        Misconception(
            "leaves_out_query_1",
            "leaves out the first entry of the diagonal, which belongs to query 1",
            "The diagonal below the main one begins at query 1. Does query 0 stand on it?",
            lambda pattern: _diagonal(pattern, 1)[..., 1:].mean((0, -1)),
        ),
        Misconception(
            "leaves_out_last_query",
            "leaves out the last query",
            "In a sequence of 6, which is the last query? Does your code read its row?",
            lambda pattern: _diagonal(pattern, 1)[..., :-1].mean((0, -1)),
        ),
        Misconception(
            "query_and_key_swapped",
            "takes the key axis for the query axis, and so reads the attention to the next token",
            "The axes are (batch, head, query, key): a row is one query. What does a causal mask "
            "say about the entries above the main diagonal?",
            lambda pattern: pattern.diagonal(1, dim1=-2, dim2=-1).mean((0, -1)),
        ),
        Misconception(
            "first_sequence_only",
            "uses the first sequence of the batch only",
            "Change the second sequence of a batch of two: does your answer change?",
            lambda pattern: _diagonal(pattern, 1)[0].mean(-1),
        ),
        Misconception(
            "sum_over_queries",
            "adds the attention up over queries where an average is asked for",
            "An average of attention probabilities cannot exceed 1. Can your number?",
            lambda pattern: _diagonal(pattern, 1).sum(-1).mean(0),
        ),
        Misconception(
            "largest_entry",
            "takes the largest entry where an average is asked for",
            "One query that happens to look one place back would give this head a high score. "
            "What does an average do with that query?",
            lambda pattern: _diagonal(pattern, 1).amax(-1).mean(0),
        ),
        Misconception(
            "averages_over_heads",
            "averages over heads and keeps the batch axis",
            "The answer has one number per head. Which axes must disappear?",
            lambda pattern: _diagonal(pattern, 1).mean((1, -1)),
        ),
    ),
    hints=(
        "In the picture of a pattern, mark the entries in which query q attends to key q - 1. "
        "Which line do they form?",
        "Take the diagonal just below the main one: it has pos - 1 entries. Average them, and "
        "average over the batch too, so that only the head axis is left.",
        "`pattern.diagonal(offset, dim1=-2, dim2=-1)` gives (batch, head, entries); a negative "
        "offset lies below the main diagonal. Then take `.mean(...)` over the first and last axes.",
    ),
    withheld=("course.zoo.scores.previous_token_score",),
)


# --- induction_score --------------------------------------------------------------------------


def _induction_case(draw: Draw) -> dict[str, Any]:
    batch, head = draw.choice((2, 3), (3, 4), (2, 5), (4, 3))
    period = draw.integer(4, 7)
    return {"pattern": draw.pattern(batch, head, 2 * period + 1), "period": period}


def _second_copy(pattern: Pattern, period: int, back: int) -> Float[Tensor, "batch head query"]:
    """Return what the queries of the second copy pay to the key `back` places earlier."""
    return _diagonal(pattern, back)[..., -period:]


def _swapped(pattern: Pattern, period: int) -> Score:
    return pattern.diagonal(period - 1, dim1=-2, dim2=-1)[..., -period:].mean((0, -1))


INDUCTION_SCORE = Exercise(
    name="induction_score",
    title="Induction score",
    claim="On a repeated sequence an induction head attends to the token after the previous "
    "occurrence, `period - 1` places back.",
    objective="Measure induction in any head, with a sequence that holds nothing else to learn.",
    points=2,
    minutes=10,
    difficulty=2,
    axes="head",
    case=_induction_case,
    misconceptions=(
        Misconception(
            "previous_occurrence",
            "averages the attention to the previous occurrence itself, period places back",
            "In `a b c a b c`, a head at the second `a` wants to predict `b`. Which position holds "
            "the information it needs, and how far back is that?",
            lambda pattern, period: _second_copy(pattern, period, period).mean((0, -1)),
        ),
        Misconception(
            "before_previous_occurrence",
            "averages the attention to the token before the previous occurrence, period + 1 back",
            "Moving one place to the right, from the previous occurrence to the token after it, "
            "does the distance to the query grow or shrink?",
            lambda pattern, period: _second_copy(pattern, period, period + 1).mean((0, -1)),
        ),
        Misconception(
            "whole_diagonal",
            "averages the whole diagonal, which also holds queries of the first copy",
            "How many entries has that diagonal, and how many queries has the second copy? What "
            "is the previous occurrence of a token that is seen for the first time?",
            lambda pattern, period: _diagonal(pattern, period - 1).mean((0, -1)),
        ),
        Misconception(
            "window_forgets_bos",
            "starts the second copy one query too early, as if there were no BOS",
            "Write out BOS + R + R for period 3 with the positions underneath. At which position "
            "does the second R start?",
            lambda pattern, period: _diagonal(pattern, period - 1)[..., 1:-1].mean((0, -1)),
        ),
        Misconception(
            "leaves_out_last_query",
            "leaves out the last query, 2 * period",
            "How many tokens has the second copy, and how many queries does your code average?",
            lambda pattern, period: _second_copy(pattern, period, period - 1)[..., :-1].mean(
                (0, -1)
            ),
        ),
        Misconception(
            "includes_last_of_first_copy",
            "averages one query too many: `period`, the last of the first copy",
            "Position 0 holds the BOS. At which position does the first copy end?",
            lambda pattern, period: _diagonal(pattern, period - 1)[..., 1:].mean((0, -1)),
        ),
        Misconception(
            "diagonal_counted_from_query_0",
            "takes index i of the diagonal for query i, and so keeps the last query only",
            "Which query does the first entry of the diagonal `period - 1` back belong to?",
            lambda pattern, period: _diagonal(pattern, period - 1)[..., period + 1 :].mean((0, -1)),
        ),
        Misconception(
            "divides_by_all_positions",
            "divides by the number of all positions, not of those in the second copy",
            "A head that puts all its attention in the right place must score exactly 1. What "
            "would yours give it?",
            lambda pattern, period: (
                _second_copy(pattern, period, period - 1).sum(-1).mean(0) / pattern.shape[-1]
            ),
        ),
        Misconception(
            "query_and_key_swapped",
            "takes the key axis for the query axis",
            "The axes are (batch, head, query, key). Is the later position the query or the key?",
            _swapped,
        ),
        Misconception(
            "first_sequence_only",
            "uses the first sequence of the batch only",
            "Change the second sequence of a batch of two: does your answer change?",
            lambda pattern, period: _second_copy(pattern, period, period - 1)[0].mean(-1),
        ),
        Misconception(
            "sum_over_queries",
            "adds the attention up over queries where an average is asked for",
            "A head that puts all its attention in the right place must score exactly 1. What "
            "would yours give it?",
            lambda pattern, period: _second_copy(pattern, period, period - 1).sum(-1).mean(0),
        ),
        Misconception(
            "largest_entry",
            "takes the largest entry where an average is asked for",
            "One query that happens to look at the right place would give this head a high score. "
            "What does an average do with that query?",
            lambda pattern, period: _second_copy(pattern, period, period - 1).amax(-1).mean(0),
        ),
    ),
    hints=(
        "Write out a small case, period 3: positions 0 to 6 hold BOS a b c a b c. For each query "
        "in the second copy, where is the token that followed its previous occurrence?",
        "All these entries lie on one diagonal, but it begins in the first copy. How many entries "
        "has it, and how many of them, counted from its end, belong to the second copy?",
        "`stripe = pattern.diagonal(-(period - 1), dim1=-2, dim2=-1)` starts at query period - 1, "
        "which is too early; keep `stripe[..., -period:]`, then average over batch and query.",
    ),
    withheld=("course.zoo.scores.induction_score",),
)
