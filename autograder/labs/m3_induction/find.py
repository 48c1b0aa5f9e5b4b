"""Exercise 3: search a whole model for the heads of the circuit."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations, starmap
from operator import ne
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from autograder.draw import Draw
from autograder.labs.m3_induction.trained import deepened_induction
from autograder.spec import Exercise, Misconception
from course import ToyTransformer

Tokens = Int[Tensor, "batch pos"]
Heads = set[tuple[int, int]]


def _scores(model: ToyTransformer, tokens: Tokens, back: int, first: int) -> Tensor:
    """Return (layer head): mean attention `back` places back, over queries from `first` on."""
    _, cache = model.run_with_cache(tokens, names=lambda name: name.endswith("hook_pattern"))
    patterns = torch.stack([cache["pattern", layer] for layer in range(model.cfg.n_layers)])
    stripe = patterns.diagonal(-back, dim1=-2, dim2=-1)
    return stripe[..., first - back :].mean((1, -1))


def _above(scores: Float[Tensor, "layer head"]) -> Heads:
    return {(int(layer), int(head)) for layer, head in (scores > 0.5).nonzero()}


def _both(model: ToyTransformer, tokens: Tokens, period: int, back: int = -1) -> dict[str, Heads]:
    back = period - 1 if back < 0 else back
    return {
        "previous_token": _above(_scores(model, tokens, 1, 1)),
        "induction": _above(_scores(model, tokens, back, period + 1)),
    }


def _find_case(draw: Draw) -> dict[str, Any]:
    """Draw until no two ideas, right or wrong, give the same heads, and no score is near 0.5."""
    while True:
        case = deepened_induction(draw)
        answers = [_both(**case), *(idea.wrong(**case) for idea in FIND_HEADS.misconceptions)]
        if _is_clear(**case) and all(starmap(ne, combinations(answers, 2))):
            return case


def _is_clear(model: ToyTransformer, tokens: Tokens, period: int) -> bool:
    scores = torch.stack(
        [_scores(model, tokens, 1, 1), _scores(model, tokens, period - 1, period + 1)]
    )
    return bool((scores - 0.5).abs().min() > 0.01)


def _renamed(found: dict[str, Heads], rename: Callable[[int, int], Any]) -> dict[str, Heads]:
    return {role: {rename(*pair) for pair in pairs} for role, pairs in found.items()}


def _roles_swapped(model, tokens, period):
    found = _both(model, tokens, period)
    return {"previous_token": found["induction"], "induction": found["previous_token"]}


def _last_layer_only(model, tokens, period):
    last = model.cfg.n_layers - 1
    found = _both(model, tokens, period)
    return {role: {pair for pair in pairs if pair[0] == last} for role, pairs in found.items()}


def _previous_occurrence(model, tokens, period):
    return _both(model, tokens, period, back=period)


def _counts_from_one(model, tokens, period):
    return _renamed(_both(model, tokens, period), lambda layer, head: (layer + 1, head + 1))


def _pair_swapped(model, tokens, period):
    return _renamed(_both(model, tokens, period), lambda layer, head: (head, layer))


def _head_without_layer(model, tokens, period):
    return _renamed(_both(model, tokens, period), lambda _layer, head: (0, head))


def _by_role(model, tokens, period) -> dict[str, Float[Tensor, "layer head"]]:
    return {
        "previous_token": _scores(model, tokens, 1, 1),
        "induction": _scores(model, tokens, period - 1, period + 1),
    }


def _best_head_of_every_layer(model, tokens, period):
    return {
        role: {(layer, int(row.argmax())) for layer, row in enumerate(scores)}
        for role, scores in _by_role(model, tokens, period).items()
    }


def _best_head_of_all(model, tokens, period):
    return {
        role: {divmod(int(scores.argmax()), model.cfg.n_heads)}
        for role, scores in _by_role(model, tokens, period).items()
    }


def _layers_fixed(model, tokens, period):
    found = _both(model, tokens, period)
    return {
        role: {pair for pair in found[role] if pair[0] == layer}
        for layer, role in enumerate(("previous_token", "induction"))
    }


def _whole_diagonal(model, tokens, period):
    stripe = _above(_scores(model, tokens, period - 1, period - 1))
    return _both(model, tokens, period) | {"induction": stripe}


def _first_sequence(model, tokens, period):
    return _both(model, tokens[:1], period)


FIND_HEADS = Exercise(
    name="find_heads",
    title="Find the heads",
    claim="Two scores and a threshold find every previous-token head and every induction head, "
    "wherever they sit.",
    objective="Search a whole model for heads with a known behaviour.",
    points=2,
    minutes=12,
    difficulty=3,
    axes={"previous_token": "", "induction": ""},
    case=_find_case,
    misconceptions=(
        Misconception(
            "roles_swapped",
            "gives the induction heads as previous-token heads and the other way round",
            "Which of the two kinds needs the other one to have run before it?",
            _roles_swapped,
        ),
        Misconception(
            "last_layer_only",
            "searches the last layer only",
            "How many patterns does the cache hold? Loop over the layers.",
            _last_layer_only,
        ),
        Misconception(
            "previous_occurrence",
            "scores the attention to the previous occurrence, so that no head passes",
            "On BOS + R + R, how far back is the token after the previous occurrence?",
            _previous_occurrence,
        ),
        Misconception(
            "counts_from_one",
            "numbers layers and heads from 1",
            "`model.W_Q[0, 0]` is a head. What is its name in your answer?",
            _counts_from_one,
        ),
        Misconception(
            "head_before_layer",
            "writes (head, layer) for (layer, head)",
            "A model with 2 layers of 4 heads has a head (1, 3). Has it a head (3, 1)?",
            _pair_swapped,
        ),
        Misconception(
            "layer_always_zero",
            "gives every head the layer 0",
            "Which loop variable should stand first in the pair?",
            _head_without_layer,
        ),
        Misconception(
            "best_head_of_every_layer",
            "takes the highest score in every layer, also where no head does the job",
            "What does your code answer for a layer in which all scores are about 0.1?",
            _best_head_of_every_layer,
        ),
        Misconception(
            "best_head_of_all",
            "takes the one head with the highest score, also where several are above 0.5",
            "How many heads of a kind can your code find? How many may a model have?",
            _best_head_of_all,
        ),
        Misconception(
            "layers_fixed",
            "looks for previous-token heads in layer 0 only and for induction heads in layer 1 "
            "only",
            "Those are the layers of the specimen. Which layers has the model you are given?",
            _layers_fixed,
        ),
        Misconception(
            "whole_diagonal",
            "averages the whole diagonal for induction, which also holds queries of the first copy",
            "At which query does the diagonal `period - 1` back begin, and at which the second "
            "copy?",
            _whole_diagonal,
        ),
        Misconception(
            "first_sequence_only",
            "scores the first sequence of the batch only",
            '`cache["pattern", layer]` has a batch axis. Over which axes do you average?',
            _first_sequence,
        ),
        Misconception(
            "heads_without_layer",
            "gives heads without their layer: the sets hold pairs (layer, head)",
            "Layer 0 has a head 3, and so has layer 1. How does your answer tell them apart?",
            lambda model, tokens, period: _renamed(
                _both(model, tokens, period), lambda _layer, head: head
            ),
        ),
        Misconception(
            "names_for_pairs",
            'gives names such as "0.3" where pairs of whole numbers, (layer, head), are asked for',
            'What does `(0, 3) in found["induction"]` say about your answer?',
            lambda model, tokens, period: _renamed(
                _both(model, tokens, period), lambda layer, head: f"{layer}.{head}"
            ),
        ),
    ),
    hints=(
        "You have met both scores. What is new is the search: which heads has the model, and "
        "where are their patterns?",
        "Run the model once with a cache. For each layer compute the two scores of all its heads, "
        "and put (layer, head) into the set whose score is above 0.5.",
        "`_, cache = model.run_with_cache(tokens)`, then for each layer "
        '`cache["pattern", layer]` is (batch, head, query, key). For each head compare '
        "`score[head] > 0.5` and `.add((layer, head))`.",
    ),
    withheld=(
        "course.zoo.scores.previous_token_score",
        "course.zoo.scores.induction_score",
        "course.zoo.measures.measure_induction",
    ),
    public_cases=3,
)
