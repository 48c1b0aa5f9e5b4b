"""The MLP: what a layer of neurons adds at each position by itself."""

from __future__ import annotations

import torch
from torch.nn.functional import gelu

from autograder.draw import Draw
from autograder.labs.m0_toy_transformer.models import sizes
from autograder.spec import Exercise, Misconception


def draw_mlp(draw: Draw) -> dict:
    """Draw neurons near 1.1 on either side of zero, where the tanh formula strays in one direction.

    Further out it strays more, but there torch's own GELU in float32 is less exact as well.
    """
    batch, pos, d_model, d_mlp = sizes(draw, (2, 3), (4, 5), (6, 8), (9, 12))
    side = torch.where(torch.arange(d_mlp) % 4 == 0, 1.0, -1.0)
    return {
        "x": draw.normal(batch, pos, d_model),
        "W_in": draw.normal(d_model, d_mlp, scale=0.3 * d_model**-0.5),
        "b_in": 1.1 * side + draw.normal(d_mlp, scale=0.15),
        "W_out": draw.normal(d_mlp, d_model, scale=d_mlp**-0.5, mean=0.5),
        "b_out": draw.normal(d_model, scale=0.3),
    }


def tanh_gelu(x, W_in, b_in, W_out, b_out):
    return gelu(x @ W_in + b_in, approximate="tanh") @ W_out + b_out


def sigmoid_gelu(x, W_in, b_in, W_out, b_out):
    pre = x @ W_in + b_in
    return (pre * (1.702 * pre).sigmoid()) @ W_out + b_out


def silu(x, W_in, b_in, W_out, b_out):
    pre = x @ W_in + b_in
    return (pre * pre.sigmoid()) @ W_out + b_out


def erf_without_root_two(x, W_in, b_in, W_out, b_out):
    pre = x @ W_in + b_in
    return (0.5 * pre * (1 + pre.erf())) @ W_out + b_out


def relu(x, W_in, b_in, W_out, b_out):
    return (x @ W_in + b_in).relu() @ W_out + b_out


def no_activation(x, W_in, b_in, W_out, b_out):
    return (x @ W_in + b_in) @ W_out + b_out


def forgets_b_in(x, W_in, b_in, W_out, b_out):
    return gelu(x @ W_in) @ W_out + b_out


def b_in_after_gelu(x, W_in, b_in, W_out, b_out):
    return (gelu(x @ W_in) + b_in) @ W_out + b_out


def forgets_b_out(x, W_in, b_in, W_out, b_out):
    return gelu(x @ W_in + b_in) @ W_out


def forgets_both_biases(x, W_in, b_in, W_out, b_out):
    return gelu(x @ W_in) @ W_out


def gelu_at_the_end(x, W_in, b_in, W_out, b_out):
    return gelu((x @ W_in + b_in) @ W_out + b_out)


def adds_the_stream(x, W_in, b_in, W_out, b_out):
    return x + gelu(x @ W_in + b_in) @ W_out + b_out


MLP = Exercise(
    name="mlp",
    title="MLP",
    claim="The MLP looks at one position at a time: it takes d_mlp weighted sums, passes each "
    "through GELU, and writes a weighted sum of the results.",
    objective="Compute an MLP layer's output with the exact GELU.",
    points=2,
    minutes=5,
    difficulty=2,
    axes="batch pos d_model",
    case=draw_mlp,
    misconceptions=(
        Misconception(
            "tanh_gelu",
            "uses the tanh approximation of GELU.",
            "Look up what `approximate` does in `torch.nn.functional.gelu`, or write GELU "
            "with `torch.erf`.",
            tanh_gelu,
        ),
        Misconception(
            "erf_without_root_two",
            "uses erf without the root of two.",
            "The probability that a standard normal number is below x is "
            "(1 + erf(x / c)) / 2. What is c?",
            erf_without_root_two,
        ),
        Misconception(
            "sigmoid_gelu",
            "uses the sigmoid of 1.702 x in the place of the normal distribution.",
            "That is an approximation. Which function gives the probability that a standard "
            "normal number is below x?",
            sigmoid_gelu,
        ),
        Misconception(
            "silu",
            "multiplies x by its sigmoid (that is SiLU).",
            "Which function gives the probability that a standard normal number is below x?",
            silu,
        ),
        Misconception(
            "relu",
            "uses ReLU where the model has GELU.",
            "What does your activation give at -1? GELU gives about -0.16.",
            relu,
        ),
        Misconception(
            "no_activation",
            "leaves out the activation, so that the two matrices are one linear map.",
            "Double x and take the biases away: should the output double?",
            no_activation,
        ),
        Misconception(
            "forgets_b_in",
            "leaves out b_in.",
            "Which of the five arguments does your code not use?",
            forgets_b_in,
        ),
        Misconception(
            "b_in_after_gelu",
            "adds b_in after the GELU.",
            "b_in moves the point at which a neuron starts to fire. Before or after the "
            "activation?",
            b_in_after_gelu,
        ),
        Misconception(
            "forgets_b_out",
            "leaves out b_out.",
            "What should the output be if W_out were all zeros?",
            forgets_b_out,
        ),
        Misconception(
            "forgets_both_biases",
            "leaves out both biases.",
            "Which of the five arguments does your code not use?",
            forgets_both_biases,
        ),
        Misconception(
            "gelu_at_the_end",
            "applies GELU to the output instead of the hidden layer.",
            "What is the size of the last axis of the tensor to which you apply GELU? It should be "
            "d_mlp.",
            gelu_at_the_end,
        ),
        Misconception(
            "adds_the_stream",
            "adds x to the output.",
            "The block adds the layer's output to the stream later. What does the layer by "
            "itself return?",
            adds_the_stream,
        ),
    ),
    hints=(
        "In order: W_in and b_in, activation, W_out and b_out.",
        "`x @ W_in` acts on the last axis and leaves batch and pos alone. Exact GELU is "
        "`x * Phi(x)`, with Phi the normal distribution function; torch has it.",
        "`hidden = torch.nn.functional.gelu(x @ W_in + ...)`, then the second matrix and the "
        "second bias.",
    ),
)
