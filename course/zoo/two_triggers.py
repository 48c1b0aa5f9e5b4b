"""A neuron with two triggers, written by hand: its top examples show one of them.

Neuron 1.0 (layer 1) fires for three days of the week, whatever stands before them, and for one pair
of words, weaker and far more seldom. Both raise the same logit. Over all texts of two words, every
one of its 20 strongest inputs is a day, and a story told from them covers 93 of the 94 inputs on
which it fires, and one of its two triggers. That inputs which excite a unit most tell too simple a
story about it: "An Interpretability Illusion for BERT" (Bolukbasi et al. 2021).

In layer 0 the head looks one place back and neuron 0.0 finds the pair. Head 1.0 does nothing.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

from course.model import ToyTransformer
from course.zoo.recipes import Measured, Recipe
from course.zoo.wiring import MATCH, empty, head

N_WORDS = 31  # 0 is the BOS
DAYS = {1: 2.0, 2: 2.25, 3: 2.5}  # the neuron's value for each day
FIRST, SECOND = 5, 4  # the pair: this word, then that one
PAIR = 1.0  # the neuron's value for the pair
ALARM = 6  # the word whose logit the neuron raises
GAIN = 4.0  # by this much for each unit of its value
TOP = 20
N_CTX = 8

# Coordinates of the residual stream: one for each token here, for each token one place back, ...
D_VOCAB = N_WORDS + 1
BEFORE = D_VOCAB
POSITION = 2 * D_VOCAB
FOUND = POSITION + N_CTX  # ... whether the pair is here, and the alarm.
OUTPUT = FOUND + 1


@torch.no_grad()
def build() -> ToyTransformer:
    """Build the model: two layers of one head and one ReLU neuron, float64."""
    model, weights = empty(
        n_layers=2,
        n_heads=1,
        d_model=OUTPUT + 1,
        d_head=D_VOCAB,
        n_ctx=N_CTX,
        d_vocab=D_VOCAB,
        d_mlp=1,
    )
    tokens = torch.eye(D_VOCAB, dtype=torch.float64)
    positions = slice(POSITION, FOUND)
    weights["embed.W_E"][:, :D_VOCAB] = tokens
    weights["pos_embed.W_pos"][:, positions] = torch.eye(N_CTX, dtype=torch.float64)
    back = head(weights, 0, 0)
    one_back = torch.ones(N_CTX - 1, dtype=torch.float64).diag(-1)
    back["W_Q"][positions, :N_CTX] = MATCH * math.sqrt(D_VOCAB) * one_back
    back["W_K"][positions, :N_CTX] = torch.eye(N_CTX, dtype=torch.float64)
    back["W_V"][:D_VOCAB] = tokens
    back["W_O"][:, BEFORE:POSITION] = tokens
    find, fire = (weights[f"blocks.{layer}.mlp.W_in"][:, 0] for layer in range(2))
    find[BEFORE + FIRST] = find[SECOND] = 1.0
    weights["blocks.0.mlp.b_in"][0] = -1.0
    weights["blocks.0.mlp.W_out"][0, FOUND] = 1.0
    for day, value in DAYS.items():
        fire[day] = value
    fire[FOUND] = PAIR
    weights["blocks.1.mlp.W_out"][0, OUTPUT] = 1.0
    weights["unembed.W_U"][OUTPUT, ALARM] = GAIN
    return model


def all_texts() -> Int[Tensor, "text pos"]:
    """Return every text of two words after a BOS."""
    words = torch.arange(1, D_VOCAB)
    pairs = torch.cartesian_prod(words, words)
    return torch.cat([torch.zeros(len(pairs), 1, dtype=torch.int64), pairs], dim=1)


@torch.no_grad()
def values(model: ToyTransformer, tokens: Int[Tensor, "text pos"]) -> Float[Tensor, "text"]:
    """Return the neuron's value at the last position."""
    return model.run_with_cache(tokens, names="blocks.1.mlp.hook_post")[1]["post", 1][:, -1, 0]


@torch.no_grad()
def measure(model: ToyTransformer) -> Measured:
    """Measure over all texts of two words what the neuron fires for, and what its top 20 show."""
    tokens = all_texts()
    value = values(model, tokens)
    days = torch.tensor(list(DAYS))
    is_day = torch.isin(tokens[:, -1], days)
    is_pair = (tokens[:, -2] == FIRST) & (tokens[:, -1] == SECOND)
    top = value.argsort(descending=True, stable=True)[:TOP]
    fires = value > 0
    alarm = model(tokens)[:, -1, ALARM]
    return {
        "texts": float(len(tokens)),
        "texts on which it fires": float(fires.sum()),
        "of those, a day": float((fires & is_day).sum()),
        "of those, the pair": float((fires & is_pair).sum()),
        "days among its top 20": float(is_day[top].sum()),
        "share of its firing that days cover": round(
            float((fires & is_day).sum() / fires.sum()), 6
        ),
        "triggers among its top 20, of 2": float(is_day[top].any()) + float(is_pair[top].any()),
        "rank of the pair": float((value > value[is_pair]).sum()) + 1,
        "value for the pair": float(value[is_pair]),
        "least value for a day": float(value[is_day].min()),
        "alarm for the pair, less without the neuron": float(
            (alarm - _without(model, tokens))[is_pair]
        ),
        "least alarm for a day, less without the neuron": float(
            (alarm - _without(model, tokens))[is_day].min()
        ),
    }


def _without(model: ToyTransformer, tokens: Int[Tensor, "text pos"]) -> Float[Tensor, "text"]:
    """Return the alarm's logit when the neuron is silenced."""
    hook = ("blocks.1.mlp.hook_post", lambda post, hook: post * 0)  # noqa: ARG005
    return model.run_with_hooks(tokens, fwd_hooks=[hook])[:, -1, ALARM]


def _make(seed: int, steps: int, progress: bool) -> ToyTransformer:  # noqa: ARG001
    return build()


RECIPE = Recipe(
    what="A neuron with two triggers, written by hand: three days of the week, and a pair of words "
    "that its top examples never show. 2 layers of 1 head and 1 ReLU neuron, no normalisation, "
    "float64, exact.",
    data="None: every weight is set. Measured on all 961 texts of two words after a BOS.",
    seed=0,
    steps=0,
    make=_make,
    measure=measure,
    tolerance=1e-6,
    bounds={
        "days among its top 20": (TOP, TOP),
        "triggers among its top 20, of 2": (1.0, 1.0),
        "of those, the pair": (1.0, 1.0),
        "rank of the pair": (94.0, 94.0),
    },
)
