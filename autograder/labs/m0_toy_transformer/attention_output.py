"""What each position brings back from where it looks: the attention layer's output."""

from __future__ import annotations

from einops import einsum, rearrange, reduce

from autograder.draw import Draw
from autograder.labs.m0_toy_transformer.models import sizes
from autograder.spec import Exercise, Misconception


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


def reshapes_heads(pattern, v, W_O, b_O):
    z = rearrange(mix(pattern, v), "batch query head d -> batch head query d")
    flat = z.reshape(len(z), z.shape[2], -1)
    return flat @ rearrange(W_O, "head d d_model -> (head d) d_model") + b_O


def averages_heads_and_bias(pattern, v, W_O, b_O):
    return project(mix(pattern, v), W_O) / W_O.shape[0] + b_O / W_O.shape[0]


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
            "averages_heads_and_bias",
            "averages over heads, and divides the bias by their number as well.",
            "The contributions of all heads are added up. And how often is b_O added?",
            averages_heads_and_bias,
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
        Misconception(
            "reshapes_heads",
            "merges head and d_head by a reshape while head still stands before the positions.",
            "A reshape keeps the order of the numbers. Which two axes have to stand side by "
            "side before it?",
            reshapes_heads,
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
