"""Exercise 7: the weights of an induction head, written by hand."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from autograder.draw import Draw
from autograder.spec import Exercise, Misconception

Directions = Float[Tensor, "d_vocab d_model"]
Weights = dict[str, Tensor]


def _case(draw: Draw) -> dict[str, Any]:
    """Draw three orthonormal sets of directions that no axis of the residual stream lies along."""
    d_vocab = draw.integer(4, 7)
    d_model = 3 * d_vocab + draw.integer(2, 5)
    basis = torch.linalg.qr(draw.normal(d_model, d_model).double()).Q.float()
    token, previous, output = basis[: 3 * d_vocab].split(d_vocab)
    return {
        "token": token.clone(),
        "previous": previous.clone(),
        "output": output.clone(),
        "match": round(draw.uniform(8.0, 24.0), 2),
    }


def _head(query: Directions, key: Directions, value: Directions, write: Directions, gain: float):
    return {"W_Q": gain * query.T, "W_K": key.T, "W_V": value.T, "W_O": write}


def _root(token: Directions) -> float:
    """Return the square root of d_head, which the exercise fixes at d_vocab."""
    return len(token) ** 0.5


def _no_root(token, previous, output, match) -> Weights:
    return _head(token, previous, token, output, match)


def _divides_by_root(token, previous, output, match) -> Weights:
    return _head(token, previous, token, output, match / _root(token))


def _gain_on_both_sides(token, previous, output, match) -> Weights:
    gain = match * _root(token)
    weights = _head(token, previous, token, output, gain)
    return weights | {"W_K": gain * weights["W_K"]}


def _token_with_token(token, previous, output, match) -> Weights:
    return _head(token, token, token, output, match * _root(token))


def _query_and_key_swapped(token, previous, output, match) -> Weights:
    return _head(previous, token, token, output, match * _root(token))


def _copies_previous(token, previous, output, match) -> Weights:
    return _head(token, previous, previous, output, match * _root(token))


def _writes_to_token(token, previous, output, match) -> Weights:
    return _head(token, previous, token, token, match * _root(token))


def _times_d_head(token, previous, output, match) -> Weights:
    return _head(token, previous, token, output, match * len(token))


def _root_of_d_model(token, previous, output, match) -> Weights:
    return _head(token, previous, token, output, match * token.shape[1] ** 0.5)


def _no_gain(token, previous, output, match) -> Weights:
    return _head(token, previous, token, output, 1.0)


def _match_on_output(token, previous, output, match) -> Weights:
    weights = _head(token, previous, token, output, match * _root(token))
    return weights | {"W_O": match * weights["W_O"]}


INDUCTION_HEAD_WEIGHTS = Exercise(
    name="induction_head_weights",
    title="An induction head by hand",
    claim="Given a previous-token head, four matrices written from what the directions mean are an "
    "induction head.",
    objective="Write the QK and the OV side of a head for residual subspaces that you are given.",
    points=3,
    minutes=15,
    difficulty=4,
    axes={
        "W_Q": "d_model d_head",
        "W_K": "d_model d_head",
        "W_V": "d_model d_head",
        "W_O": "d_head d_model",
        "QK": "query_side key_side",
        "OV": "read write",
    },
    case=_case,
    misconceptions=(
        Misconception(
            "no_square_root",
            "forgets that attention divides the product of query and key by the root of d_head",
            "Compute the score of a matching pair with your weights, division included. Is it "
            "`match`?",
            _no_root,
        ),
        Misconception(
            "divides_by_root",
            "divides by the root of d_head, which attention does already",
            "The score is q . k / sqrt(d_head). What must q . k be for the score to be `match`?",
            _divides_by_root,
        ),
        Misconception(
            "times_d_head",
            "multiplies by d_head, where attention divides by its square root",
            "By what is the product of a query and a key divided? Look at the exponent.",
            _times_d_head,
        ),
        Misconception(
            "root_of_d_model",
            "takes the root of d_model for that of d_head",
            "Between which vectors is the dot product taken, and how long are they?",
            _root_of_d_model,
        ),
        Misconception(
            "match_left_out",
            "leaves `match` out",
            "What score has a matching pair with your weights, and what should it have?",
            _no_gain,
        ),
        Misconception(
            "gain_on_both_sides",
            "puts the whole gain on the query and again on the key, so that the score is squared",
            "The score is a product of a query and a key. If both are made three times as large, "
            "what happens to the score?",
            _gain_on_both_sides,
        ),
        Misconception(
            "matches_token_with_token",
            "matches the current token with the same token, and so finds the previous occurrence, "
            "not the token after it",
            "In `a b c a`, your head at the second `a` attends to the first `a` and copies `a`. "
            "Which property does the position of `b` have that names `a`?",
            _token_with_token,
        ),
        Misconception(
            "query_and_key_swapped",
            "reads the previous token on the query side and the current token on the key side",
            "At the second `a`, what does the head know, and what does it look for? The first is "
            "the query, the second is the key.",
            _query_and_key_swapped,
        ),
        Misconception(
            "copies_previous_token",
            "copies what came before the attended position, which is the current token once more",
            "The head attends to the position of `b`. That position holds `b` in one subspace and "
            "`a` in another: which of the two should be predicted next?",
            _copies_previous,
        ),
        Misconception(
            "writes_into_token",
            "writes the copied token into the subspace of the current token, not into the output",
            "Which directions does the last step of the model read its prediction from?",
            _writes_to_token,
        ),
        Misconception(
            "match_on_output",
            "multiplies what is written by `match`, which belongs to the score alone",
            "How much of `output[i]` does a key that has all the attention add to the stream?",
            _match_on_output,
        ),
    ),
    hints=(
        "Take QK and OV one at a time. Where to look: what is compared with what? What to move: "
        "what is read at the place found, and where is it written?",
        "Give each vocabulary item one dimension of the head (d_head = d_vocab): axis i stands for "
        "item i. Each of W_Q, W_K and W_V then sends one of the three kinds of direction to the "
        "axes. What must be scaled, so that the score is `match` after the division?",
        "With orthonormal rows, `token.T` (d_model, d_vocab) sends token[i] to axis i and every "
        "other given direction to zero. The transposes of two arguments are W_Q and W_K up to a "
        "factor; the factor must make q . k equal to match * sqrt(d_head).",
    ),
    invariance="factored",
    withheld=("course.zoo.induction_by_hand.build",),
)
