"""A trained induction circuit: two layers of four heads, attention only, learned positions.

The text it learns from is random tokens on a ring: walk round it, and now and then jump to another
place. Once a token has been seen, what follows it is known, wherever the walk goes on from. A walk
without jumps is the task of `repeated_tokens`, on which the model is measured. The jumps make it
matter which token came just before: without them its neighbours tell as much, and the
previous-token head looks at several.

Left alone, all four heads of layer 1 become induction heads. So for a while in mid-training every
head has a price, the size of its QK and OV circuits. Heads that are not worth it fall idle and stay
so when the price is gone, and the others sharpen.

The circuit: "In-context Learning and Induction Heads" (Olsson et al. 2022).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from course.config import Config
from course.model import ToyTransformer
from course.zoo.measures import measure_induction
from course.zoo.recipes import Recipe
from course.zoo.repeated import BOS

N_CTX, D_VOCAB = 64, 48
SMALLEST_RING, LARGEST_RING = 5, 24
JUMP = 0.1  # how often the walk jumps
BATCH = 32
LEARNING_RATE = 5e-3
WEIGHT_DECAY = 0.01
WARM_UP = 50  # steps
PRICE = 0.05  # of a head whose QK and OV sizes sum to one
PRICED = (0.3, 0.6)  # the part of the training during which heads have a price


def config(seed: int) -> Config:
    """Return the model's shape."""
    return Config(
        n_layers=2,
        n_heads=4,
        d_model=64,
        d_head=16,
        n_ctx=N_CTX,
        d_vocab=D_VOCAB,
        attn_only=True,
        seed=seed,
    )


def walks(
    batch: int, length: int, d_vocab: int, generator: torch.Generator
) -> Int[Tensor, "batch pos"]:
    """Draw walks of `length` steps round rings of random tokens, after a BOS."""
    shape = (batch, length)
    ring_size = torch.randint(SMALLEST_RING, LARGEST_RING + 1, (batch, 1), generator=generator)
    ring = 1 + torch.rand(batch, d_vocab - 1, generator=generator).argsort(dim=-1)
    anywhere = (torch.rand(shape, generator=generator) * ring_size).long()
    jumps = torch.rand(shape, generator=generator) < JUMP
    place = torch.where(jumps, anywhere, 1).cumsum(dim=-1) % ring_size
    return torch.cat([torch.full((batch, 1), BOS), ring.gather(1, place)], dim=1)


def train(seed: int, steps: int, progress: bool = True) -> tuple[ToyTransformer, list[float]]:
    """Train a model; return it and its loss at each step.

    Args:
        seed: of the initial weights and of the data.
        steps: how many batches.
        progress: whether to show a bar.

    """
    from tqdm import tqdm

    model = ToyTransformer(config(seed))
    generator = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=LEARNING_RATE, betas=(0.9, 0.98), weight_decay=WEIGHT_DECAY
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _rate(step, steps))
    losses = []
    for step in tqdm(range(steps), desc="induction_2l", disable=not progress):
        tokens = walks(BATCH, N_CTX - 1, D_VOCAB, generator)
        loss = F.cross_entropy(model(tokens)[:, :-1].flatten(0, 1), tokens[:, 1:].flatten())
        is_priced = PRICED[0] <= step / steps < PRICED[1]
        optimiser.zero_grad()
        (loss + PRICE * size_of_heads(model) if is_priced else loss).backward()
        optimiser.step()
        schedule.step()
        losses.append(loss.item())
    return model, losses


def size_of_heads(model: ToyTransformer) -> Float[Tensor, ""]:
    """Return the sum over heads of |W_Q| |W_K| + |W_V| |W_O|."""
    query, key, value, output = (
        weight.norm(dim=(-2, -1)) for weight in (model.W_Q, model.W_K, model.W_V, model.W_O)
    )
    return (query * key + value * output).sum()


def _rate(step: int, steps: int) -> float:
    """Return the learning rate's factor: up, level for a third of the steps, down."""
    return min(1.0, (step + 1) / WARM_UP, 1.5 * (1 - step / max(steps, 1)) + 0.02)


def _make(seed: int, steps: int, progress: bool) -> ToyTransformer:
    return train(seed, steps, progress)[0]


RECIPE = Recipe(
    what="A trained induction circuit: 2 layers, 4 heads, d_model 64, attention only, LayerNorm, "
    "learned positions.",
    data="Walks round rings of 5 to 24 distinct random tokens, 63 steps after a BOS, with a jump "
    "to a random place in 1 step of 10; a batch of 32 fresh walks at each step. Measured on random "
    "tokens written twice.",
    seed=3,
    steps=1000,
    make=_make,
    measure=measure_induction,
    tolerance=0.002,
    bounds={
        "accuracy": (0.98, 1.0),
        "highest previous-token score": (0.7, 1.0),
        "highest induction score": (0.8, 1.0),
        "least distance of a score from 0.5": (0.15, 0.5),
    },
)
