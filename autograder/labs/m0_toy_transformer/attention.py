"""Attention in two steps: where each position looks, and what it brings back from there."""

from __future__ import annotations

import torch
from einops import einsum, rearrange, reduce

from autograder.draw import Draw
from autograder.labs.m0_toy_transformer.models import sizes
from autograder.spec import Exercise, Misconception


def draw_queries_and_keys(draw: Draw) -> dict:
    """Draw scores wide enough (about 4) that a mask of -10 is seen through."""
    batch, head, d_head, pos = sizes(draw, (2, 2), (3, 4), (5, 6), (7, 8))
    return {
        "q": draw.normal(batch, pos, head, d_head, scale=2.0, mean=0.2),
        "k": draw.normal(batch, pos, head, d_head, scale=2.0, mean=-0.1),
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


def draw_attended_values(draw: Draw) -> dict:
    batch, head, d_head, pos, d_model = sizes(draw, (2, 3), (4, 5), (6, 6), (7, 8), (9, 10))
    return {
        "pattern": draw.pattern(batch, head, pos),
        "v": draw.normal(batch, pos, head, d_head, mean=0.3),
        "W_O": draw.normal(head, d_head, d_model, scale=(head * d_head) ** -0.5),
        "b_O": draw.normal(d_model, scale=0.7),
    }


def mix(pattern, v):
    return einsum(pattern, v, "batch head query key, batch key head d -> batch query head d")


def project(z, W_O):
    return einsum(z, W_O, "batch query head d, head d d_model -> batch query d_model")


def forgets_bias(pattern, v, W_O, b_O):
    return project(mix(pattern, v), W_O)


def bias_for_every_head(pattern, v, W_O, b_O):
    return project(mix(pattern, v), W_O) + W_O.shape[0] * b_O


def sums_over_queries(pattern, v, W_O, b_O):
    return project(mix(pattern.transpose(-1, -2), v), W_O) + b_O


def averages_heads(pattern, v, W_O, b_O):
    return project(mix(pattern, v), W_O) / W_O.shape[0] + b_O


def ignores_pattern(pattern, v, W_O, b_O):
    return project(v, W_O) + b_O


def adds_heads_before_projecting(pattern, v, W_O, b_O):
    return mix(pattern, v).sum(dim=2) @ W_O.sum(dim=0) + b_O


def keeps_heads_apart(pattern, v, W_O, b_O):
    heads = einsum(mix(pattern, v), W_O, "b query head d, head d d_model -> b query head d_model")
    return heads + b_O


def flattens_in_wrong_order(pattern, v, W_O, b_O):
    flat = rearrange(mix(pattern, v), "batch query head d -> batch query (d head)")
    return flat @ rearrange(W_O, "head d d_model -> (head d) d_model") + b_O


def averages_pattern_over_heads(pattern, v, W_O, b_O):
    shared = reduce(pattern, "batch head query key -> batch 1 query key", "mean")
    return project(mix(shared.expand_as(pattern), v), W_O) + b_O


ATTENTION_OUTPUT = Exercise(
    name="attention_output",
    title="Attention output",
    claim="What attention adds to the stream is a sum over heads, each a weighted average of "
    "values sent through that head's own W_O, plus one bias.",
    objective="Turn patterns and values into the attention layer's output.",
    points=2,
    minutes=12,
    difficulty=3,
    axes="batch pos d_model",
    case=draw_attended_values,
    misconceptions=(
        Misconception(
            "forgets_bias",
            "leaves out b_O.",
            "What should the output be where all values are zero?",
            forgets_bias,
        ),
        Misconception(
            "bias_for_every_head",
            "adds b_O once for every head.",
            "b_O has the axis d_model only. How many of them does the layer own?",
            bias_for_every_head,
        ),
        Misconception(
            "sums_over_queries",
            "sums over the queries instead of the keys, as if the pattern were transposed.",
            "The first position can look only at itself. Whose values does your output at "
            "position 0 depend on?",
            sums_over_queries,
        ),
        Misconception(
            "averages_heads",
            "averages the heads where they should be added.",
            "Would the contribution of one head change if the layer had more heads?",
            averages_heads,
        ),
        Misconception(
            "adds_heads_before_projecting",
            "adds up the mixtures of all heads before it uses W_O.",
            "Which W_O does the mixture of head 0 have to meet, and which must it not meet?",
            adds_heads_before_projecting,
        ),
        Misconception(
            "averages_pattern_over_heads",
            "uses one average pattern for all heads.",
            "Does `head` stand in both inputs of your einsum, and in its output?",
            averages_pattern_over_heads,
        ),
        Misconception(
            "ignores_pattern",
            "sends each position's own value through W_O and never uses the pattern.",
            "Replace the pattern by zeros. Should the output stay as it is?",
            ignores_pattern,
        ),
        Misconception(
            "keeps_heads_apart",
            "returns one output per head and does not add them up.",
            "Compare the axes of your result with those of the residual stream.",
            keeps_heads_apart,
        ),
        Misconception(
            "flattens_in_wrong_order",
            "merges the axes head and d_head in one order for the values and in the other "
            "order for W_O.",
            "Both merges give the same shape. Write the two einops strings below each other "
            "and compare what is in brackets.",
            flattens_in_wrong_order,
        ),
    ),
    hints=(
        "Two steps: mix the values with the weights of the pattern, then send each head's mixture "
        "through its own W_O. The axes named on the left only are summed.",
        "First einsum: `batch head query key` with `batch key head d_head`, and key disappears. "
        "Second einsum: with `head d_head d_model`, and head and d_head disappear together.",
        "`z = einsum(pattern, v, '... -> batch query head d_head')`, then "
        "`einsum(z, W_O, '... -> batch query d_model')`, then the bias, once.",
    ),
)
