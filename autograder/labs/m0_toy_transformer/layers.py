"""The two computations at a single position: LayerNorm and the MLP."""

from __future__ import annotations

import torch
from torch.nn.functional import gelu

from autograder.draw import Draw
from autograder.labs.m0_toy_transformer.models import sizes
from autograder.spec import Exercise, Misconception


def draw_layer_norm(draw: Draw) -> dict:
    """Draw positions whose scales run from 0.001 to 1, so that a small eps weighs on some."""
    batch, pos, d_model = sizes(draw, (2, 3), (4, 5), (7, 10))
    scales = torch.logspace(-3, 0, pos)[:, None] * draw.uniform(0.8, 1.2)
    offset = draw.normal(batch, pos, 1)
    return {
        "x": (draw.normal(batch, pos, d_model) + offset) * scales,
        "w": draw.normal(d_model, scale=0.4, mean=1.3),
        "b": draw.normal(d_model, scale=0.6),
        "eps": draw.uniform(3e-5, 9e-5),  # never torch's default of 1e-5
    }


def centred(x):
    return x - x.mean(dim=-1, keepdim=True)


def unit(x, eps, dim: int | tuple[int, ...] = -1):
    centre = x - x.mean(dim=dim, keepdim=True)
    return centre / (centre.pow(2).mean(dim=dim, keepdim=True) + eps).sqrt()


def eps_outside_root(x, w, b, eps):
    return w * centred(x) / (x.std(dim=-1, keepdim=True, correction=0) + eps) + b


def default_eps(x, w, b, eps):
    return w * unit(x, 1e-5) + b


def std_plus_eps(x, w, b, eps):
    return w * centred(x) / (x.std(dim=-1, keepdim=True) + eps) + b


def forgets_eps(x, w, b, eps):
    return w * unit(x, 0.0) + b


def unbiased_variance(x, w, b, eps):
    return w * centred(x) / (x.var(dim=-1, keepdim=True) + eps).sqrt() + b


def no_centring(x, w, b, eps):
    return w * x / (x.pow(2).mean(dim=-1, keepdim=True) + eps).sqrt() + b


def divides_by_variance(x, w, b, eps):
    return w * centred(x) / (x.var(dim=-1, keepdim=True, correction=0) + eps) + b


def normalises_over_positions(x, w, b, eps):
    return w * unit(x, eps, dim=1) + b


def normalises_everything(x, w, b, eps):
    return w * unit(x, eps, dim=(0, 1, 2)) + b


def forgets_gain_and_bias(x, w, b, eps):
    return unit(x, eps)


def bias_before_gain(x, w, b, eps):
    return w * (unit(x, eps) + b)


LAYER_NORM = Exercise(
    name="layer_norm",
    title="LayerNorm",
    claim="LayerNorm makes each position's numbers have mean 0 and variance close to 1, and then "
    "applies a learned gain and bias.",
    objective="Normalise each position by itself, with eps in its right place.",
    points=2,
    minutes=8,
    difficulty=2,
    axes="batch pos d_model",
    case=draw_layer_norm,
    misconceptions=(
        Misconception(
            "eps_outside_root",
            "adds eps to the standard deviation, outside the root.",
            "sqrt(0 + 0.00001) is about 0.003. Is that what you divide by when the variance is 0?",
            eps_outside_root,
        ),
        Misconception(
            "std_plus_eps",
            "divides by `x.std()` + eps: eps is outside the root, and torch's `std` divides by "
            "d_model - 1.",
            "Write down what is under the root, term by term, and by which number the sum of "
            "squares is divided.",
            std_plus_eps,
        ),
        Misconception(
            "forgets_eps",
            "does not use eps.",
            "What do you divide by at a position where all numbers are almost equal?",
            forgets_eps,
        ),
        Misconception(
            "default_eps",
            "takes an eps of 0.00001, whatever `eps` is.",
            "Where does your code use the argument eps?",
            default_eps,
        ),
        Misconception(
            "unbiased_variance",
            "divides the sum of squares by d_model - 1.",
            "Read what `correction` means in `torch.var`, and what its default is.",
            unbiased_variance,
        ),
        Misconception(
            "no_centring",
            "does not subtract the mean (that is RMSNorm).",
            "Set w to one and b to zero. What should the mean of your output be?",
            no_centring,
        ),
        Misconception(
            "divides_by_variance",
            "divides by the variance and not by its root.",
            "If x becomes ten times larger, your output should hardly change. Does it?",
            divides_by_variance,
        ),
        Misconception(
            "normalises_over_positions",
            "takes mean and variance over the positions.",
            "Print `x.mean(...)` and its shape. Which axis has become 1?",
            normalises_over_positions,
        ),
        Misconception(
            "normalises_everything",
            "takes one mean and one variance for the whole tensor.",
            "Should the output at one position depend on what stands at another?",
            normalises_everything,
        ),
        Misconception(
            "forgets_gain_and_bias",
            "leaves out the gain w and the bias b.",
            "Where does your code use w and b?",
            forgets_gain_and_bias,
        ),
        Misconception(
            "bias_before_gain",
            "adds the bias first and multiplies by the gain afterwards.",
            "What should the output be where the normalised x is zero?",
            bias_before_gain,
        ),
    ),
    hints=(
        "For every position: subtract its mean, divide by (almost) its standard deviation. Then "
        "gain and bias.",
        "Mean and variance go over the last axis; `keepdim=True` keeps them in line with x. "
        "The variance divides by d_model. eps is added to the variance.",
        "`centred = x - x.mean(dim=-1, keepdim=True)`, `scale = (variance + eps).sqrt()`, and "
        "`centred / scale` is what w and b act on.",
    ),
)


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
