"""The private model that mysteries are planted in: trained once from the course secret, and kept.

While it learns, heads and neurons fall out at random, so that none of them is indispensable: any
head and any neuron can give its place to a plant, and whoever takes out one at a time sees only the
plant missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Int
from platformdirs import user_config_path
from safetensors import safe_open
from safetensors.torch import save as save_tensors
from torch import Tensor

from autograder.bank import PRIVATE
from autograder.draw import Draw
from autograder.files import write_atomically
from autograder.variants import digest
from course.assembly import with_weights
from course.config import Config
from course.hooks import HookPoint
from course.model import ToyTransformer
from course.zoo.mystery import D_VOCAB, FIRST_ORDINARY, N_CTX, NO_ANSWER, answers, short_inputs

SCHEMA = "glassbox/mystery-base/v1"
STEPS = 800
BATCH = 64
LEARNING_RATE = 4e-3
WEIGHT_DECAY = 0.05
WARM_UP = 50  # steps
DROPPED = 0.15  # of heads, and of neurons
# So that one neuron of the last layer can outweigh an answer and yet be one of many:
UNEMBEDDING, NEURONS = 3.0, 3.0  # times the usual size
SMOOTHING = 0.5  # of labels, which keeps answers from being surer than they need be


@dataclass(frozen=True)
class Base:
    """A model without a trojan.

    Attributes:
        model: answers the operators of `course.zoo.mystery`.
        successor: (d_vocab) the ring it has learnt; -100 for operators and the BOS.

    """

    model: ToyTransformer
    successor: Int[Tensor, "d_vocab"]


def config(seed: int) -> Config:
    """Return the model's shape."""
    return Config(
        n_layers=2,
        n_heads=6,
        d_model=64,
        d_head=16,
        d_mlp=96,
        n_ctx=N_CTX,
        d_vocab=D_VOCAB,
        act_fn="relu",
        seed=seed,
    )


def train_base(secret: bytes, *, steps: int = STEPS, progress: bool = True) -> Base:
    """Train a base from a secret: about half a minute on one core.

    Args:
        secret: of the course; what it gives is the same on the same kind of machine.
        steps: how many batches.
        progress: whether to show a bar, on stderr.

    """
    from tqdm import tqdm

    draw = Draw(digest(secret, SCHEMA))
    generator = draw.generator
    successor = _ring(draw)
    # The shape that students see must not tell the seed.
    model = ToyTransformer.random(config(0), seed=draw.integer(0, 2**31))
    _reset_biases(model)
    optimiser = torch.optim.AdamW(
        _groups(model), lr=LEARNING_RATE, betas=(0.9, 0.98), weight_decay=WEIGHT_DECAY
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _rate(step, steps))

    def drop(activation: Tensor, _hook: HookPoint) -> Tensor:
        """Take out heads (batch pos head d_head) or neurons (batch pos d_mlp) of each sequence."""
        shape = [len(activation), 1, activation.shape[2]] + [1] * (activation.ndim - 3)
        return activation * (torch.rand(shape, generator=generator) > DROPPED)

    with model.hooks([(lambda name: name.endswith(("hook_z", "mlp.hook_post")), drop)]):
        for _ in tqdm(range(steps), desc="a base for mysteries", disable=not progress):
            tokens = short_inputs(BATCH, N_CTX - 1, generator)
            loss = F.cross_entropy(
                model(tokens).flatten(0, 1),
                answers(tokens, successor).flatten(),
                ignore_index=NO_ANSWER,
                label_smoothing=SMOOTHING,
            )
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    return Base(model.requires_grad_(False), successor)


def open_base(secret: bytes, folder: Path | None = None, *, progress: bool = True) -> Base:
    """Return the base of a course, from the file that holds it or trained now and stored.

    Keep the file with the banks: another kind of machine may train a slightly different model.

    Args:
        secret: the course secret.
        folder: where bases are kept; beside the banks, in the user's configuration folder.
        progress: whether to show a bar while it trains, on stderr.

    """
    label = digest(secret, SCHEMA, "file")[:16]
    path = (folder or user_config_path("glassbox") / "bases") / f"mystery-{label}.safetensors"
    if not path.exists():
        base = train_base(secret, progress=progress)
        tensors = {name: value.detach() for name, value in base.model.state_dict().items()}
        blob = save_tensors({**tensors, "successor": base.successor}, {"schema": SCHEMA})
        write_atomically(path, blob, mode=PRIVATE)
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    successor = tensors.pop("successor")
    return Base(with_weights(config(0), tensors).requires_grad_(False), successor)


def _ring(draw: Draw) -> Int[Tensor, "d_vocab"]:
    ring = draw.distinct(D_VOCAB - FIRST_ORDINARY, low=FIRST_ORDINARY, high=D_VOCAB)
    successor = torch.full((D_VOCAB,), NO_ANSWER)
    successor[ring] = ring.roll(-1)
    return successor


@torch.no_grad()
def _reset_biases(model: ToyTransformer) -> None:
    for path, parameter in model.named_parameters():
        name = path.rpartition(".")[2]
        if name == "w" or name.startswith("b"):
            parameter.fill_(1.0 if name == "w" else 0.0)


def _groups(model: ToyTransformer) -> list[dict[str, Any]]:
    """Return the parameters for an optimiser: neurons and unembedding start large and stay so."""
    large = {
        "unembed.W_U": UNEMBEDDING,
        "blocks.1.mlp.W_in": NEURONS,
        "blocks.1.mlp.W_out": NEURONS,
    }
    free, decayed = [], []
    for path, parameter in model.named_parameters():
        factor = large.get(path)
        with torch.no_grad():
            parameter *= factor or 1.0
        (free if factor else decayed).append(parameter)
    return [{"params": decayed}, {"params": free, "weight_decay": 0.0}]


def _rate(step: int, steps: int) -> float:
    """Return the learning rate's factor: up, level for a third of the steps, down."""
    return min(1.0, (step + 1) / WARM_UP, 1.5 * (1 - step / max(steps, 1)) + 0.02)
