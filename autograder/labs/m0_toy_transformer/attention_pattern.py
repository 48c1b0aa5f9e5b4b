"""Where each position looks: the attention pattern."""

from __future__ import annotations

import torch
from einops import einsum

from autograder.draw import Draw
from autograder.labs.m0_toy_transformer.models import in_turn, sizes
from autograder.spec import Exercise, Misconception


def draw_queries_and_keys(draw: Draw) -> dict:
    """Draw scores wide enough (about 9) that masks of -10 and of -20 are seen through."""
    head, d_head = in_turn(draw, (3, 4), (5, 6), (3, 6), (5, 4))
    batch, pos = sizes(draw, (2, 2), (7, 8))
    return {
        "q": draw.normal(batch, pos, head, d_head, scale=3.0, mean=0.2),
        "k": draw.normal(batch, pos, head, d_head, scale=3.0, mean=-0.1),
    }


def raw_scores(q, k):
    return einsum(q, k, "batch query head d, batch key head d -> batch head query key")


def future(scores):
    return torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1)


def masked_softmax(scores, dim=-1):
    return scores.masked_fill(future(scores), -torch.inf).softmax(dim=dim)


def no_scale(q, k):
    return masked_softmax(raw_scores(q, k))


def scales_without_root(q, k):
    return masked_softmax(raw_scores(q, k) / q.shape[-1])


def scales_by_all_heads(q, k):
    return masked_softmax(raw_scores(q, k) / (q.shape[-2] * q.shape[-1]) ** 0.5)


def scaled_scores(q, k):
    return raw_scores(q, k) / q.shape[-1] ** 0.5


def no_mask(q, k):
    return scaled_scores(q, k).softmax(dim=-1)


def masks_the_past(q, k):
    scores = scaled_scores(q, k)
    return scores.masked_fill(future(scores).T, -torch.inf).softmax(dim=-1)


def hides_itself(q, k):
    scores = scaled_scores(q, k)
    return scores.masked_fill(
        future(scores) | torch.eye(len(scores[0, 0])).bool(), -torch.inf
    ).softmax(dim=-1)


def weak_mask(q, k):
    scores = scaled_scores(q, k)
    return scores.masked_fill(future(scores), -10.0).softmax(dim=-1)


def zero_mask(q, k):
    return scaled_scores(q, k).tril().softmax(dim=-1)


def mask_after_softmax(q, k):
    return scaled_scores(q, k).softmax(dim=-1).tril()


def softmax_over_query(q, k):
    return masked_softmax(scaled_scores(q, k), dim=-2)


def no_softmax(q, k):
    scores = scaled_scores(q, k)
    return scores.masked_fill(future(scores), -torch.inf)


def swaps_query_and_key(q, k):
    return masked_softmax(scaled_scores(k, q))


ATTENTION_PATTERN = Exercise(
    name="attention_pattern",
    title="Attention pattern",
    claim="A head looks back with weights that are the softmax of scaled dot products of a query "
    "with the keys up to its own position.",
    objective="Compute a causal attention pattern from queries and keys.",
    points=2,
    minutes=15,
    difficulty=3,
    axes="batch head query key",
    case=draw_queries_and_keys,
    misconceptions=(
        Misconception(
            "no_scale",
            "takes the softmax of the dot products as they are, without scaling them.",
            "A dot product of d_head random numbers grows with d_head. What keeps its spread near "
            "1 whatever d_head is?",
            no_scale,
        ),
        Misconception(
            "scales_without_root",
            "divides the scores by d_head itself.",
            "The variance of a sum of d_head terms grows like d_head. How does its standard "
            "deviation grow?",
            scales_without_root,
        ),
        Misconception(
            "scales_by_all_heads",
            "scales by the width of all heads together instead of one head's.",
            "How many numbers are added up in one dot product, for one head?",
            scales_by_all_heads,
        ),
        Misconception(
            "no_mask",
            "lets a position look at positions after its own.",
            "Print `pattern[0, 0]`. Which of its entries are about the future?",
            no_mask,
        ),
        Misconception(
            "masks_the_past",
            "hides the past and keeps the future.",
            "Where should the first position be able to look? And the last?",
            masks_the_past,
        ),
        Misconception(
            "hides_itself",
            "hides a position from itself too, which leaves the first nothing to look at (NaN).",
            "Which diagonal is the first that `triu` keeps? Print your mask for three positions.",
            hides_itself,
        ),
        Misconception(
            "weak_mask",
            "masks with a number that is not small enough, so that some attention leaks "
            "into the future.",
            "Print the largest weight above the diagonal. Which score gives a weight of "
            "exactly zero, however low the other scores are?",
            weak_mask,
        ),
        Misconception(
            "zero_mask",
            "sets the scores of the future to zero before the softmax.",
            "exp(0) is 1. Does a score of zero mean no attention?",
            zero_mask,
        ),
        Misconception(
            "mask_after_softmax",
            "takes the future out after the softmax, when it has already had its share.",
            "Print `pattern.sum(dim=-1)`. What should each row sum to?",
            mask_after_softmax,
        ),
        Misconception(
            "softmax_over_query",
            "takes the softmax over the queries, so that columns sum to one instead of rows.",
            "Each query shares out a total of one. Over which axis does it share it out?",
            softmax_over_query,
        ),
        Misconception(
            "no_softmax",
            "returns the masked scores without a softmax.",
            "Can a weight be negative? What should each row sum to?",
            no_softmax,
        ),
        Misconception(
            "swaps_query_and_key",
            "exchanges the roles of queries and keys in the scores.",
            "In entry [query, key] of the scores, which position's q is multiplied with which "
            "position's k? Follow one entry by hand.",
            swaps_query_and_key,
        ),
    ),
    hints=(
        "Four steps in this order: scores, scale, mask, softmax. Write down the axes after each.",
        "The scores are one `einsum` over d_head, divided by a number that depends on d_head only. "
        "`torch.triu(..., diagonal=1)` marks the future; `masked_fill` writes -inf there. You get "
        "NaN if you multiply 0 by -inf, or hide all keys of a query, its own included.",
        "`scores = einsum(q, k, 'batch query head d, batch key head d -> ...') / ...`, then "
        "`scores.masked_fill(future, -torch.inf)`, then `.softmax(dim=...)` over the keys.",
    ),
)
