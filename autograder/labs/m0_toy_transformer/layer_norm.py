"""LayerNorm: each position's numbers brought to one scale."""

from __future__ import annotations

import torch

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


def centres_only_in_variance(x, w, b, eps):
    return w * x / (x.var(dim=-1, keepdim=True, correction=0) + eps).sqrt() + b


def forgets_gain(x, w, b, eps):
    return unit(x, eps) + b


def forgets_bias(x, w, b, eps):
    return w * unit(x, eps)


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
            "does not use eps, or uses it where it has no effect.",
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
            "centres_only_in_variance",
            "subtracts the mean for the variance, and divides an x that still has it.",
            "Set w to one and b to zero. What should the mean of your output be?",
            centres_only_in_variance,
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
            "forgets_gain",
            "leaves out the gain w.",
            "Where does your code use w?",
            forgets_gain,
        ),
        Misconception(
            "forgets_bias",
            "leaves out the bias b.",
            "Where does your code use b?",
            forgets_bias,
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
