"""One number for what a model prefers: the logit difference."""

from __future__ import annotations

import torch

from autograder.draw import Draw
from autograder.labs.m0_toy_transformer.models import sizes
from autograder.spec import Exercise, Misconception


def draw_prompts(draw: Draw) -> dict:
    """Draw rows of different lengths; `last` differs from row to row and is not always -1."""
    batch, pos, d_vocab = sizes(draw, (3, 4), (6, 8), (9, 13))
    answers = torch.stack([draw.distinct(2, low=0, high=d_vocab) for _ in range(batch)])
    logits = draw.normal(batch, pos, d_vocab, scale=2.0, mean=1.0)
    last = draw.distinct(batch, low=1, high=pos)
    prefers_first = difference(logits, answers[:, 0], answers[:, 1], last) > 0
    # Every other row prefers the wrong answer, so that a lost sign shows.
    is_right = torch.arange(batch) % 2 == draw.integer(0, 1)
    correct = torch.where(prefers_first == is_right, answers[:, 0], answers[:, 1])
    return {
        "logits": logits,
        "correct": correct,
        "wrong": answers.sum(dim=1) - correct,
        "last": last,
    }


def difference(logits, correct, wrong, last):
    rows = torch.arange(len(last))
    return logits[rows, last, correct] - logits[rows, last, wrong]


def reads_the_padding(logits, correct, wrong, last):
    return difference(logits, correct, wrong, torch.full_like(last, logits.shape[1] - 1))


def one_position_early(logits, correct, wrong, last):
    return difference(logits, correct, wrong, last - 1)


def averages_positions(logits, correct, wrong, last):
    return difference(logits.mean(dim=1, keepdim=True), correct, wrong, torch.zeros_like(last))


def averages_up_to_last(logits, correct, wrong, last):
    rows = torch.arange(len(last))
    means = torch.stack([row[: end + 1].mean(dim=0) for row, end in zip(logits, last, strict=True)])
    return means[rows, correct] - means[rows, wrong]


def probability_difference(logits, correct, wrong, last):
    return difference(logits.softmax(dim=-1), correct, wrong, last)


def flips_the_sign(logits, correct, wrong, last):
    return difference(logits, wrong, correct, last)


def loses_the_sign(logits, correct, wrong, last):
    return difference(logits, correct, wrong, last).abs()


def only_the_correct_logit(logits, correct, wrong, last):
    return logits[torch.arange(len(last)), last, correct]


def log_probability_of_correct(logits, correct, wrong, last):
    return only_the_correct_logit(logits.log_softmax(dim=-1), correct, wrong, last)


def probability_of_correct(logits, correct, wrong, last):
    return only_the_correct_logit(logits.softmax(dim=-1), correct, wrong, last)


def averages_the_batch(logits, correct, wrong, last):
    return difference(logits, correct, wrong, last).mean()


def pairs_every_row_with_every_answer(logits, correct, wrong, last):
    return logits[:, last, correct] - logits[:, last, wrong]


LOGIT_DIFFERENCE = Exercise(
    name="logit_difference",
    title="Logit difference",
    claim="The logit difference says which of two answers a model prefers at the end of a prompt, "
    "and adding the same number to all logits does not change it.",
    objective="Read a model's preference at the last token of prompts of different lengths.",
    points=2,
    minutes=8,
    difficulty=2,
    axes="batch",
    case=draw_prompts,
    misconceptions=(
        Misconception(
            "reads_the_padding",
            "reads the last position of the tensor, which is padding in the shorter rows.",
            "Print `last`. Is it the same in every row, and is it -1?",
            reads_the_padding,
        ),
        Misconception(
            "one_position_early",
            "reads the position before `last`.",
            "`last` is an index, not a length. Which position predicts what comes after "
            "the prompt?",
            one_position_early,
        ),
        Misconception(
            "averages_positions",
            "averages over positions.",
            "At how many positions of a prompt does the model answer the question asked?",
            averages_positions,
        ),
        Misconception(
            "averages_up_to_last",
            "averages over the positions of the prompt.",
            "At how many positions of a prompt does the model answer the question asked?",
            averages_up_to_last,
        ),
        Misconception(
            "probability_difference",
            "takes the difference of probabilities.",
            "Add 5 to both logits only and leave the others alone. Does your number change?",
            probability_difference,
        ),
        Misconception(
            "flips_the_sign",
            "subtracts the correct answer's logit from the wrong one's.",
            "What sign should the result have where the model prefers the correct answer?",
            flips_the_sign,
        ),
        Misconception(
            "loses_the_sign",
            "returns how far the two logits are apart, without a sign.",
            "How would your number say that the model prefers the wrong answer?",
            loses_the_sign,
        ),
        Misconception(
            "only_the_correct_logit",
            "returns the correct answer's logit alone.",
            "Add 5 to all logits. Does the model's preference change? Does your number?",
            only_the_correct_logit,
        ),
        Misconception(
            "log_probability_of_correct",
            "returns the log probability of the correct answer alone.",
            "Where does the wrong answer enter your number?",
            log_probability_of_correct,
        ),
        Misconception(
            "probability_of_correct",
            "returns the probability of the correct answer alone.",
            "Where does the wrong answer enter your number?",
            probability_of_correct,
        ),
        Misconception(
            "averages_the_batch",
            "averages over the batch.",
            "How many prompts are there, and how many numbers do you return?",
            averages_the_batch,
        ),
        Misconception(
            "pairs_every_row_with_every_answer",
            "pairs every row of logits with every row's position and answer.",
            "A colon keeps all rows. What would go along the batch axis so that row i meets "
            "`last[i]` only?",
            pairs_every_row_with_every_answer,
        ),
    ),
    hints=(
        "Each row has its own position and its own two tokens. Pick first, subtract afterwards.",
        "Index the three axes together, with three tensors of length batch. The first counts "
        "the rows.",
        "`rows = torch.arange(len(last))`, then `logits[rows, ..., correct]` minus the same for "
        "`wrong`.",
    ),
)
