"""The same function in other weights: what is learnt about a model must be found in it.

Heads and neurons may stand in any order, tokens may have any numbers, and a head's queries and keys
(or values and outputs) may be turned by any rotation that the product of the two undoes. None of it
changes what the model computes; all of it moves the answers of an exercise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from course.model import ToyTransformer
from course.zoo.repeated import BOS

Weights = dict[str, Tensor]


@dataclass(frozen=True)
class Disguised:
    """A model in disguise, and the key to it.

    Attributes:
        model: computes what the original does.
        vocab: (d_vocab); `vocab[old] = new`, the number that each token has now.
        heads: (layer head); `heads[layer, old] = new`.
        neurons: (layer d_mlp); `neurons[layer, old] = new`; no columns without MLPs.

    """

    model: ToyTransformer
    vocab: Int[Tensor, "d_vocab"]
    heads: Int[Tensor, "layer head"]
    neurons: Int[Tensor, "layer d_mlp"]

    def tokens(self, tokens: Int[Tensor, "..."]) -> Int[Tensor, "..."]:
        """Return the disguised numbers of the original's tokens."""
        return self.vocab[tokens]

    def logits(self, logits: Float[Tensor, "... d_vocab"]) -> Float[Tensor, "... d_vocab"]:
        """Return logits of the disguised model in the original's order of tokens."""
        return logits[..., self.vocab]

    def head(self, layer: int, head: int) -> int:
        """Return where in its layer an original head is now."""
        return int(self.heads[layer, head])


@torch.no_grad()
def disguise(model: ToyTransformer, seed: int, *, keep: tuple[int, ...] = (BOS,)) -> Disguised:
    """Return a model that computes the same with other weights.

    Args:
        model: any toy transformer; it is not changed.
        seed: of the permutations and rotations.
        keep: tokens whose number must not change, by default the BOS.

    """
    generator = torch.Generator().manual_seed(seed)
    cfg = model.cfg
    weights = {
        name: value.to(torch.float64, copy=True) for name, value in model.state_dict().items()
    }
    vocab = _permutation(cfg.d_vocab, generator, keep)
    _permute_vocabulary(weights, vocab)
    heads, neurons = [], []
    for layer in range(cfg.n_layers):
        attention = f"blocks.{layer}.attn."
        heads.append(_permutation(cfg.n_heads, generator))
        for head in range(cfg.n_heads):
            turn = _rotary_rotation if cfg.positional_embedding_type == "rotary" else _rotation
            _rotate(weights, attention, head, turn(cfg.d_head, generator), "QK")
            _rotate(weights, attention, head, _rotation(cfg.d_head, generator), "VO")
        _permute(weights, attention, ("W_Q", "W_K", "W_V", "W_O", "b_Q", "b_K", "b_V"), heads[-1])
        neurons.append(_permutation(0 if cfg.attn_only else cfg.d_mlp or 0, generator))
        if not cfg.attn_only:
            _permute_neurons(weights, f"blocks.{layer}.mlp.", neurons[-1])
    disguised = ToyTransformer(cfg)
    disguised.load_state_dict(weights)
    return Disguised(disguised, vocab, torch.stack(heads), torch.stack(neurons))


def _permutation(
    size: int, generator: torch.Generator, keep: tuple[int, ...] = ()
) -> Int[Tensor, "size"]:
    """Return a random permutation that leaves `keep` in place."""
    free = torch.tensor([index for index in range(size) if index not in keep], dtype=torch.long)
    permutation = torch.arange(size)
    permutation[free] = free[torch.randperm(len(free), generator=generator)]
    return permutation


def _permute_vocabulary(weights: Weights, vocab: Int[Tensor, "d_vocab"]) -> None:
    old = vocab.argsort()
    weights["embed.W_E"] = weights["embed.W_E"][old]
    weights["unembed.W_U"] = weights["unembed.W_U"][:, old]
    weights["unembed.b_U"] = weights["unembed.b_U"][old]


def _permute_neurons(weights: Weights, prefix: str, new: Int[Tensor, "d_mlp"]) -> None:
    weights[prefix + "W_in"] = weights[prefix + "W_in"][:, new.argsort()]
    _permute(weights, prefix, ("b_in", "W_out"), new)


def _permute(weights: Weights, prefix: str, names: tuple[str, ...], new: Int[Tensor, "n"]) -> None:
    """Move row `old` of each weight to row `new[old]`."""
    for name in names:
        weights[prefix + name] = weights[prefix + name][new.argsort()]


def _rotate(
    weights: Weights, prefix: str, head: int, turn: Float[Tensor, "d_head d_head"], which: str
) -> None:
    """Turn a head's queries and keys, or its values; its W_O turns back."""
    for letter in which.replace("O", ""):
        weights[prefix + "W_" + letter][head] @= turn
        weights[prefix + "b_" + letter][head] @= turn
    if "O" in which:
        weights[prefix + "W_O"][head] = turn.mT @ weights[prefix + "W_O"][head]


def _rotation(size: int, generator: torch.Generator) -> Float[Tensor, "size size"]:
    """Return a random orthogonal matrix, evenly distributed (Mezzadri 2007)."""
    noise = torch.randn(size, size, generator=generator, dtype=torch.float64)
    columns, triangle = torch.linalg.qr(noise)
    return columns * triangle.diagonal().sign()


def _rotary_rotation(size: int, generator: torch.Generator) -> Float[Tensor, "size size"]:
    """Return a rotation that commutes with rotary positions: one angle for each of their pairs."""
    angles = 2 * math.pi * torch.rand(size // 2, generator=generator, dtype=torch.float64)
    cos, sin = angles.cos().diag(), angles.sin().diag()
    return torch.cat([torch.cat([cos, sin], dim=1), torch.cat([-sin, cos], dim=1)])
