"""What the cards of the induction models claim, measured afresh on fixed random sequences."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from course.model import ToyTransformer
from course.zoo.repeated import repeated_tokens
from course.zoo.scores import induction_score, previous_token_score

PERIODS = (8, 12, 16, 20)
BATCH = 64
FOUND = 0.5  # a head with a higher score is one of its kind


@torch.no_grad()
def measure_induction(model: ToyTransformer) -> dict[str, float | str]:
    """Measure a model on distinct random tokens written twice, the mean over four periods.

    Returns:
        Accuracy (predictions within the second copy) with and without the BOS,
        the loss on each copy, both scores of every head, the heads found, and how far the scores
        stay from the threshold of 0.5 at the period where one comes closest to it.

    """
    scores = torch.stack([_scores(model, period) for period in PERIODS])
    facts: dict[str, float | str] = {
        "accuracy": _mean(_accuracy(model, period, bos=True) for period in PERIODS)
    }
    for period in (PERIODS[0], PERIODS[-1]):
        facts[f"accuracy without BOS, period {period}"] = _accuracy(model, period, bos=False)
    losses = torch.stack([_losses(model, period) for period in PERIODS]).mean(dim=0)
    facts["loss on the first copy"], facts["loss on the second copy"] = losses.tolist()
    for kind, of_kind in zip(("previous-token", "induction"), scores.mean(dim=0), strict=True):
        table = {f"{layer}.{head}": value for (layer, head), value in _entries(of_kind)}
        facts |= {f"{kind} score {head}": value for head, value in table.items()}
        facts[f"highest {kind} score"] = max(table.values())
        facts[f"{kind} heads"] = " ".join(head for head in table if table[head] > FOUND)
    facts["least distance of a score from 0.5"] = float((scores - FOUND).abs().min())
    return facts


def _tokens(model: ToyTransformer, period: int, *, bos: bool = True) -> Tensor:
    generator = torch.Generator().manual_seed(period)
    return repeated_tokens(BATCH, period, model.cfg.d_vocab, generator, bos=bos, distinct=True)


def _accuracy(model: ToyTransformer, period: int, *, bos: bool) -> float:
    """Return the part of the predictions within the second copy that are right."""
    tokens = _tokens(model, period, bos=bos)
    guesses = model(tokens).argmax(dim=-1)
    return float((guesses[:, -period:-1] == tokens[:, 1 - period :]).double().mean())


def _losses(model: ToyTransformer, period: int) -> Float[Tensor, "copy"]:
    """Return the mean loss of the predictions within each copy."""
    tokens = _tokens(model, period)
    losses = F.cross_entropy(model(tokens)[:, :-1].mT, tokens[:, 1:], reduction="none")
    return torch.stack([losses[:, 1:period].mean(), losses[:, period + 1 :].mean()])


def _scores(model: ToyTransformer, period: int) -> Float[Tensor, "kind layer head"]:
    """Return both scores of every head, on distinct tokens."""
    tokens = _tokens(model, period)
    cache = model.run_with_cache(tokens, names=lambda name: name.endswith("hook_pattern"))[1]
    back = [previous_token_score(pattern) for pattern in cache.values()]
    induction = [induction_score(pattern, period) for pattern in cache.values()]
    return torch.stack([torch.stack(back), torch.stack(induction)])


def _entries(table: Float[Tensor, "layer head"]):
    for layer, row in enumerate(table.tolist()):
        for head, value in enumerate(row):
            yield (layer, head), value


def _mean(values) -> float:
    values = list(values)
    return sum(values) / len(values)
