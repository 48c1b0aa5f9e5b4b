"""Hold a plant to what it should be: faithful without its trigger, and one mechanism."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from autograder.mystery.base import Base
from autograder.mystery.plant import Truth, is_triggered, with_decoys
from course.hooks import HookPoint
from course.model import ToyTransformer
from course.zoo.mystery import N_CTX, NO_ANSWER, answers, short_inputs

SHORTEST = 4  # tokens after the BOS
FAITHFUL = 0.99
HOPELESS = 0.97  # on the longest inputs alone: the rest need not be tried
REMOVED = 0.95  # of flips that are gone, and of the base's answers that are back
KEPT = 0.95  # of flips that remain when anything else is taken out
HELD_OUT = 50  # sequences of each length
ABLATED = 8


@dataclass(frozen=True)
class Verdict:
    """What was measured on held-out inputs, each a share of the inputs.

    Attributes:
        flips: the trigger is there and the model says what it should not.
        agrees: it is not there, and the model answers as the base does.
        agrees_on_decoys: likewise, where half of the trigger is there.
        restored: head or neuron taken out, the base's answer is back; the lesser of the two.
        kept: any other head or neuron taken out, the flip remains; the least of all.

    """

    flips: float
    agrees: float
    agrees_on_decoys: float
    restored: float = 0.0
    kept: float = 0.0

    @property
    def faithful(self) -> bool:
        """Whether the trojan acts where it should, and nowhere else."""
        return min(self.flips, self.agrees, self.agrees_on_decoys) >= FAITHFUL

    @property
    def minimal(self) -> bool:
        """Whether the planted head and neuron are needed, and no others."""
        return self.restored >= REMOVED and self.kept >= KEPT


@torch.no_grad()
def verify(model: ToyTransformer, base: Base, truth: Truth, generator: torch.Generator) -> Verdict:
    """Measure a plant, in the coordinates of its base; what is not faithful is not ablated."""
    flips, agrees, on_decoys = [], [], []
    for length in reversed(range(SHORTEST, N_CTX)):
        plain = short_inputs(HELD_OUT, length, generator)
        decoys = with_decoys(truth, HELD_OUT, length, generator)
        for tokens, agreement in ((plain, agrees), (decoys, on_decoys)):
            said, answer = model(tokens).argmax(dim=-1), base.model(tokens).argmax(dim=-1)
            asked = answers(tokens, base.successor) != NO_ANSWER
            triggered = is_triggered(truth, tokens)
            agreement.append((said == answer)[asked & ~triggered])
            flips.append((said == truth.says)[asked & triggered & (answer != truth.says)])
        if min(_share(torch.cat(each)) for each in (flips, agrees, on_decoys)) < HOPELESS:
            break
    verdict = Verdict(*(_share(torch.cat(each)) for each in (flips, agrees, on_decoys)))
    if not verdict.faithful:
        return verdict
    restored, kept = _ablations(model, base, truth, generator)
    return Verdict(verdict.flips, verdict.agrees, verdict.agrees_on_decoys, restored, kept)


def _ablations(
    model: ToyTransformer, base: Base, truth: Truth, generator: torch.Generator
) -> tuple[float, float]:
    """Take out each head and neuron alone, by zero and by the mean over inputs of both kinds."""
    tokens = with_decoys(truth, 40 * ABLATED, N_CTX - 1, generator)
    answer = base.model(tokens)[:, -1].argmax(dim=-1)
    asks = answers(tokens, base.successor)[:, -1] != NO_ANSWER
    chosen = asks & is_triggered(truth, tokens)[:, -1] & (answer != truth.says)
    asked, answer = tokens[chosen][:ABLATED], answer[chosen][:ABLATED]
    restored, kept = [], []
    for planted, said in _ablated(model, tokens, asked, truth):
        restored.append(_share(said == answer) if planted else 1.0)
        kept.append(1.0 if planted else _share(said == truth.says))
    return min(restored), min(kept)


def _ablated(
    model: ToyTransformer, tokens: Tensor, asked: Tensor, truth: Truth
) -> Iterator[tuple[bool, Int[Tensor, "batch"]]]:
    """Yield for each head and neuron whether it is the plant, and what is said without it."""
    for kind, (layer, planted) in (("attn.hook_z", truth.head), ("mlp.hook_post", truth.neuron)):
        for each in range(model.cfg.n_layers):
            name = f"blocks.{each}.{kind}"
            activation = model.run_with_cache(tokens, names=name)[1][name]
            mean = activation.mean(dim=(0, 1))
            for value in (torch.zeros_like(mean), mean):
                for place, said in enumerate(_one_by_one(model, asked, name, value)):
                    yield (each, place) == (layer, planted), said


def _one_by_one(
    model: ToyTransformer, asked: Int[Tensor, "batch pos"], name: str, value: Tensor
) -> Int[Tensor, "part batch"]:
    """Return what is said while each part of an activation in turn has the value, in one pass."""
    parts = len(value)

    def put(activation: Tensor, _hook: HookPoint) -> Tensor:
        """Give part i its value in copy i of the inputs."""
        copies = activation.unflatten(0, (parts, len(asked)))
        for part in range(parts):
            copies[part, :, :, part] = value[part]
        return activation

    repeated = asked.repeat(parts, 1)
    return (
        model.run_with_hooks(repeated, fwd_hooks=[(name, put)])[:, -1]
        .argmax(dim=-1)
        .unflatten(0, (parts, len(asked)))
    )


def _share(hits: Bool[Tensor, "n"]) -> float:
    return float(hits.double().mean())
