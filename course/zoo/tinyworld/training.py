"""How tinyworld is trained: three seeds of one recipe."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from course.config import Config
from course.model import ToyTransformer
from course.zoo.recipes import Recipe
from course.zoo.tinyworld.measures import DOCUMENTS, PAIRS, measure_tinyworld
from course.zoo.tinyworld.sampling import HELD_OUT, N_CTX, training_batch
from course.zoo.tinyworld.tokenizer import WORDS

STEPS = 2500
BATCH = 48
LEARNING_RATE = 3e-3
WEIGHT_DECAY = 0.01
WARM_UP = 100  # steps
BOUNDS = {
    "agreement, no attractor": (0.99, 1.0),
    "agreement, 2 attractors": (0.97, 1.0),
    "facts, first of all words": (0.99, 1.0),
    "indirect object": (0.98, 1.0),
    "pronoun": (0.98, 1.0),
    "negation": (0.98, 1.0),
    "later year": (0.95, 1.0),
    "sentiment, first of all words": (0.97, 1.0),
    "refusal, first of all words": (0.99, 1.0),
    "patterns, first of all words": (0.95, 1.0),
}


def config(seed: int) -> Config:
    """Return the model's shape: GPT-2's, but small."""
    return Config(
        n_layers=3,
        n_heads=4,
        d_model=128,
        d_head=32,
        n_ctx=N_CTX,
        d_vocab=len(WORDS),
        act_fn="gelu_new",
        seed=seed,
    )


def train(seed: int, steps: int, progress: bool = True) -> tuple[ToyTransformer, list[float]]:
    """Train a model on text that is not held out; return it and its loss at each step.

    The bias of the logits stays zero, since GPT-2 has none.

    Args:
        seed: of the initial weights and of the data.
        steps: how many batches.
        progress: whether to show a bar.

    """
    from tqdm import tqdm

    model = ToyTransformer(config(seed))
    model.b_U.requires_grad_(False)
    generator = torch.Generator().manual_seed(seed)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimiser = torch.optim.AdamW(
        trained, lr=LEARNING_RATE, betas=(0.9, 0.98), weight_decay=WEIGHT_DECAY
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _rate(step, steps))
    losses = []
    for _ in tqdm(range(steps), desc="tinyworld", disable=not progress):
        tokens, following = training_batch(generator, BATCH)
        loss = F.cross_entropy(model(tokens).flatten(0, 1), following.flatten())
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimiser.step()
        schedule.step()
        losses.append(loss.item())
    model.b_U.requires_grad_(True)
    return model, losses


def _rate(step: int, steps: int) -> float:
    """Return the learning rate's factor: up, level for half of the steps, down."""
    return min(1.0, (step + 1) / WARM_UP, 2 * (1 - step / max(steps, 1)) + 0.02)


def _recipe(seed: int) -> Recipe:
    """Return the recipe of one of the three."""
    return Recipe(
        what="The specimen of the course: a language model of 3 layers, 4 heads, d_model 128, with "
        "MLPs, LayerNorm and learned positions, which GPT-2's code can run. Two more differ in "
        "the seed alone.",
        data=f"tinyworld, a written grammar of {len(WORDS)} words: {BATCH} fresh documents of "
        f"{N_CTX} tokens at each step, without the one prompt in {HELD_OUT} that is held out. "
        f"Measured on held-out prompts: {PAIRS} minimal pairs of each kind, {DOCUMENTS} documents, "
        "and every fact.",
        seed=seed,
        steps=STEPS,
        make=lambda seed, steps, progress: train(seed, steps, progress)[0],
        measure=measure_tinyworld,
        tolerance=0.01,
        bounds=BOUNDS,
    )


FIRST, SECOND, THIRD = (_recipe(seed) for seed in (1, 2, 3))
