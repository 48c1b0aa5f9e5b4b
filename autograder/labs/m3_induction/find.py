"""Exercise 3: search a whole model for the heads of the circuit."""

from __future__ import annotations

from itertools import combinations, starmap
from operator import ne
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor

from autograder.draw import Draw
from autograder.labs.m3_induction import searches
from autograder.labs.m3_induction.made import looking_heads
from autograder.spec import Exercise, Misconception
from course import ToyTransformer

Tokens = Int[Tensor, "batch pos"]
Heads = set[tuple[int, int]]


def _find_case(draw: Draw) -> dict[str, Any]:
    """Draw until no two ideas, right or wrong, give the same heads, and no score is near 0.5."""

    def told_apart(case: dict[str, Any]) -> bool:
        if not _is_clear(**case):
            return False
        wrong = [idea.wrong(**case) for idea in FIND_HEADS.misconceptions]
        return all(starmap(ne, combinations([searches.both(**case), *wrong], 2)))

    return draw.until(looking_heads, told_apart)


def _is_clear(model: ToyTransformer, tokens: Tokens, period: int) -> bool:
    scores = torch.stack(list(searches.by_role(model, tokens, period).values()))
    return bool((scores - 0.5).abs().min() > 0.01 and (scores > 0.5).any())


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
            searches.roles_swapped,
        ),
        Misconception(
            "last_layer_only",
            "searches the last layer only",
            "How many patterns does the cache hold? Loop over the layers.",
            searches.last_layer_only,
        ),
        Misconception(
            "previous_occurrence",
            "scores the attention to the previous occurrence of the token for induction",
            "On BOS + R + R, how far back is the token after the previous occurrence?",
            searches.previous_occurrence,
        ),
        Misconception(
            "counts_from_one",
            "numbers layers and heads from 1",
            "`model.W_Q[0, 0]` is a head. What is its name in your answer?",
            searches.counts_from_one,
        ),
        Misconception(
            "head_before_layer",
            "writes (head, layer) for (layer, head)",
            "A model with 2 layers of 4 heads has a head (1, 3). Has it a head (3, 1)?",
            searches.pair_swapped,
        ),
        Misconception(
            "layer_always_zero",
            "gives every head the layer 0",
            "Which loop variable should stand first in the pair?",
            searches.head_without_layer,
        ),
        Misconception(
            "best_head_of_every_layer",
            "takes the highest score in every layer, also where no head does the job",
            "What does your code answer for a layer in which all scores are about 0.1?",
            searches.best_head_of_every_layer,
        ),
        Misconception(
            "best_head_of_all",
            "takes the one head with the highest score, also where several are above 0.5",
            "How many heads of a kind can your code find? How many may a model have?",
            searches.best_head_of_all,
        ),
        Misconception(
            "layers_fixed",
            "looks for previous-token heads in layer 0 only and for induction heads in layer 1 "
            "only",
            "Those are the layers of the specimen. Which layers has the model you are given?",
            searches.layers_fixed,
        ),
        Misconception(
            "whole_diagonal",
            "averages the whole diagonal for induction, which also holds queries of the first copy",
            "At which query does the diagonal `period - 1` back begin, and at which the second "
            "copy?",
            searches.whole_diagonal,
        ),
        Misconception(
            "window_forgets_bos",
            "starts the second copy one query too early, as if there were no BOS",
            "For period 3, at which position does the second R start?",
            searches.window_forgets_bos,
        ),
        Misconception(
            "largest_entry",
            "compares the largest entry with 0.5, not the average",
            "Is a head that looks one place back at a single query a previous-token head?",
            searches.largest_entry,
        ),
        Misconception(
            "threshold_too_low",
            "takes heads in whose score is below 0.5",
            "Print the scores of the heads that you found. What is the lowest?",
            searches.threshold(0.3),
        ),
        Misconception(
            "threshold_too_high",
            "leaves heads out whose score is not far above 0.5",
            "Print the scores of the heads that you did not find. What is the highest?",
            searches.threshold(0.8),
        ),
        Misconception(
            "one_kind_per_head",
            "gives a head one kind only, though both its scores are above 0.5",
            "Are your two tests independent of each other, or is one in an `else`?",
            searches.one_kind_per_head,
        ),
        Misconception(
            "no_previous_token_head",
            "finds no previous-token head at all",
            "Print the previous-token scores of all heads. Which of them should be high?",
            searches.no_previous,
        ),
        Misconception(
            "first_sequence_only",
            "scores the first sequence of the batch only",
            '`cache["pattern", layer]` has a batch axis. Over which axes do you average?',
            searches.first_sequence,
        ),
        Misconception(
            "heads_without_layer",
            "gives heads without their layer: the sets hold pairs (layer, head)",
            "Layer 0 has a head 3, and so has layer 1. How does your answer tell them apart?",
            lambda model, tokens, period: searches.renamed(
                searches.both(model, tokens, period), lambda _layer, head: head
            ),
        ),
        Misconception(
            "names_for_pairs",
            'gives names such as "0.3" where pairs of whole numbers, (layer, head), are asked for',
            'What does `(0, 3) in found["induction"]` say about your answer?',
            lambda model, tokens, period: searches.renamed(
                searches.both(model, tokens, period), lambda layer, head: f"{layer}.{head}"
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
