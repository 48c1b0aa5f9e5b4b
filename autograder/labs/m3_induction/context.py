"""Exercise 5: how much better the model predicts once it has read more."""

from __future__ import annotations

from typing import Any

import torch
from einops import rearrange
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import cross_entropy

from autograder.draw import Draw
from autograder.spec import Exercise, Misconception

Logits = Float[Tensor, "batch pos d_vocab"]
Tokens = Int[Tensor, "batch pos"]
Number = Float[Tensor, ""]


def _loss(logits: Logits, tokens: Tokens) -> Float[Tensor, "batch pos"]:
    """Return the loss of logits on the tokens at the same place of the two tensors."""
    return cross_entropy(rearrange(logits, "b p v -> b v p"), tokens, reduction="none")


def _at(logits: Logits, tokens: Tokens, index: int) -> Float[Tensor, "batch"]:
    """Return each sequence's loss on the token at `index`."""
    return _loss(logits[:, index - 1 : index], tokens[:, index : index + 1])[:, 0]


def _sign(logits: Logits, tokens: Tokens, early: int, late: int) -> Number:
    return _at(logits, tokens, early).mean() - _at(logits, tokens, late).mean()


def _no_shift(logits: Logits, tokens: Tokens, early: int, late: int) -> Number:
    losses = _loss(logits, tokens).mean(0)
    return losses[late] - losses[early]


def _next_token(logits: Logits, tokens: Tokens, early: int, late: int) -> Number:
    losses = _loss(logits[:, :-1], tokens[:, 1:]).mean(0)
    return losses[late] - losses[early]


def _probability(logits: Logits, tokens: Tokens, early: int, late: int) -> Number:
    late_probability = (-_at(logits, tokens, late)).exp()
    return (late_probability - (-_at(logits, tokens, early)).exp()).mean()


def _no_logarithm(logits: Logits, tokens: Tokens, early: int, late: int) -> Number:
    return -_probability(logits, tokens, early, late)


def _raw_logits(logits: Logits, tokens: Tokens, early: int, late: int) -> Number:
    picked = logits[:, :-1].gather(-1, rearrange(tokens[:, 1:], "b p -> b p 1"))[..., 0].mean(0)
    return picked[early - 1] - picked[late - 1]


def _late_only(logits: Logits, tokens: Tokens, early: int, late: int) -> Number:
    return _at(logits, tokens, late).mean()


def _sums_the_batch(logits: Logits, tokens: Tokens, early: int, late: int) -> Number:
    return -len(tokens) * _sign(logits, tokens, early, late)


def _softmax_twice(logits: Logits, tokens: Tokens, early: int, late: int) -> Number:
    return -_sign(logits.softmax(-1), tokens, early, late)


def _mean_probability_first(logits: Logits, tokens: Tokens, early: int, late: int) -> Number:
    late_loss = -(-_at(logits, tokens, late)).exp().mean().log()
    return late_loss + (-_at(logits, tokens, early)).exp().mean().log()


def _average_up_to(logits: Logits, tokens: Tokens, early: int, late: int) -> Number:
    losses = _loss(logits[:, :-1], tokens[:, 1:]).mean(0)
    return losses[:late].mean() - losses[:early].mean()


def _in_bits(logits: Logits, tokens: Tokens, early: int, late: int) -> Number:
    return -_sign(logits, tokens, early, late) / torch.log(torch.tensor(2.0))


def _first_sequence(logits: Logits, tokens: Tokens, early: int, late: int) -> Number:
    return -_sign(logits[:1], tokens[:1], early, late)


def _drawn(draw: Draw) -> dict[str, Any]:
    """Draw logits that favour the right token more and more, so that the score is far from zero."""
    batch, pos, d_vocab = draw.integer(3, 5), draw.integer(10, 14), draw.integer(6, 9)
    tokens = draw.tokens(batch, pos, d_vocab=d_vocab)
    logits = draw.normal(batch, pos, d_vocab, scale=1.2)
    following = rearrange(tokens[:, 1:], "batch pos -> batch pos 1")
    bonus = torch.linspace(0.0, 4.0, pos - 1).reshape(1, -1, 1).expand_as(following)
    logits[:, :-1] = logits[:, :-1].scatter_add(-1, following, bonus)
    return {
        "logits": logits,
        "tokens": tokens,
        "early": draw.integer(2, 4),
        "late": draw.integer(pos - 4, pos - 2),
    }


def _case(draw: Draw) -> dict[str, Any]:
    """Draw until the score is large and no two ideas, right or wrong, give nearly the same."""
    ideas = (
        *(_sign, _no_shift, _next_token, _probability, _mean_probability_first),
        *(_average_up_to, _in_bits, _first_sequence, _no_logarithm, _raw_logits),
        *(_late_only, _sums_the_batch, _softmax_twice),
    )

    def told_apart(case: dict[str, Any]) -> bool:
        right = -_sign(**case)
        answers = torch.stack([right, *(idea(**case) for idea in ideas)]).sort().values
        return bool(right.abs() > 1.5 and answers.diff().min() > 0.02 * right.abs())

    return draw.until(_drawn, told_apart)


IN_CONTEXT_LEARNING_SCORE = Exercise(
    name="in_context_learning_score",
    title="In-context-learning score",
    claim="A model that learns from its context predicts a late token better than an early one: "
    "its score is below zero.",
    objective="Measure in-context learning from logits alone, without looking inside.",
    points=2,
    minutes=10,
    difficulty=2,
    axes="",
    case=_case,
    misconceptions=(
        Misconception(
            "early_minus_late",
            "subtracts the late loss from the early one, so that learning counts as positive",
            "The score is a change of the loss from early to late. If the loss falls, what sign "
            "has the change?",
            _sign,
        ),
        Misconception(
            "no_shift",
            "compares the logits at a position with the token at the same position",
            "The model has already read the token at position p when it writes the logits at p. "
            "Which token are those logits about?",
            _no_shift,
        ),
        Misconception(
            "index_of_the_logits",
            "reads the loss of the token after `early` and after `late`",
            "After slicing, `losses[0]` belongs to token 1. Which entry belongs to token `late`?",
            _next_token,
        ),
        Misconception(
            "probability_for_loss",
            "subtracts probabilities where losses are asked for",
            "The loss of a token is minus the logarithm of its probability.",
            _probability,
        ),
        Misconception(
            "no_logarithm",
            "takes minus the probability for the loss, without the logarithm",
            "What is the loss of a token that was given the probability 1? And yours?",
            _no_logarithm,
        ),
        Misconception(
            "raw_logits",
            "takes minus the logit for the loss, without a softmax",
            "Add 5 to all logits at one position: the probabilities stay the same. Does your "
            "answer?",
            _raw_logits,
        ),
        Misconception(
            "softmax_twice",
            "gives probabilities to a function that takes logits, so that a softmax acts twice",
            "What does `cross_entropy` do with its first argument before it takes the logarithm?",
            _softmax_twice,
        ),
        Misconception(
            "late_loss_only",
            "returns the late loss alone",
            "What should the score be for a model that is equally good everywhere?",
            _late_only,
        ),
        Misconception(
            "sums_the_batch",
            "adds up over the batch where the mean is asked for",
            "Repeat the batch, so that it has twice as many sequences: does your number double?",
            _sums_the_batch,
        ),
        Misconception(
            "averages_before_the_log",
            "averages probabilities over the batch and takes the logarithm afterwards",
            "Take two sequences with probabilities 0.5 and 0.001. Compare the mean of the logs "
            "with the log of the mean.",
            _mean_probability_first,
        ),
        Misconception(
            "average_up_to_the_index",
            "averages the loss over all tokens up to an index",
            "The score compares two places, not two stretches. How many tokens of one sequence "
            "enter it?",
            _average_up_to,
        ),
        Misconception(
            "in_bits",
            "measures in bits, with the logarithm to base 2",
            "Your answer is 1.44 times the expected one. Which logarithm gives nats?",
            _in_bits,
        ),
        Misconception(
            "first_sequence_only",
            "uses the first sequence of the batch only",
            "Change the second sequence of a batch of two: does your answer change?",
            _first_sequence,
        ),
    ),
    hints=(
        "The logits at position 0 are a guess about the token at position 1. Where is the guess "
        "about token `late`?",
        "Take the log-softmax of the logits over the vocabulary. The loss of the token at index p "
        "is minus the entry at position p - 1 that belongs to that token. Average over the batch "
        "at `late` and at `early`, and subtract.",
        "For one index: `cross_entropy(logits[:, index - 1], tokens[:, index])`, which averages "
        "over the batch. Call it twice; late minus early.",
    ),
)
