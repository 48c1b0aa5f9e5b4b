"""An induction circuit written by hand: two heads, in two layers, and nothing else.

Every direction of the residual stream means one thing, so every weight can be read:

    token     which token stands here (written by the embedding)
    position  where here is (written by the positional embedding)
    previous  which token stands one place back (written by head 0.0)
    output    which token to predict (written by head 1.0, read by the unembedding)

Head 0.0 looks one place back and copies the token it finds there into `previous`. Head 1.0 looks
for the place whose `previous` is the token that it stands on, and copies that place's token into
`output`. Where nothing matches, head 1.0 rests on position 0: its query has a constant part, which
position 0 alone answers, with less than a match. A BOS stands there, of which it copies nothing.

Without a BOS the first token of the text stands on position 0. It has nothing before it, so head
0.0 sees it as its own predecessor, and when it returns head 1.0 is drawn to position 0 by a match
and the resting score together: that prediction is wrong. Of the T - 1 predictions within the second
copy of T distinct tokens, T - 2 are right.

The circuit is that of "A Mathematical Framework for Transformer Circuits" (Elhage et al. 2021).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from course.config import Config
from course.model import ToyTransformer
from course.zoo.measures import measure_induction
from course.zoo.recipes import Recipe
from course.zoo.repeated import BOS

D_VOCAB = 24
N_CTX = 48
MATCH = 30.0  # the attention score of a match, where no match scores 0
REST = 15.0  # the score that head 1.0 gives to position 0, whatever stands there
GAIN = 10.0  # the logit of the predicted token
HEAD = ("W_Q", "W_K", "W_V", "W_O", "b_Q")

Weights = dict[str, Tensor]


@dataclass(frozen=True)
class Layout:
    """Which coordinates of the residual stream hold what."""

    d_vocab: int
    n_ctx: int

    @property
    def token(self) -> slice:
        """The token that stands here, one coordinate for each."""
        return slice(0, self.d_vocab)

    @property
    def position(self) -> slice:
        """The place in the sequence, one coordinate for each."""
        return slice(self.token.stop, self.token.stop + self.n_ctx)

    @property
    def previous(self) -> slice:
        """The token that stands one place back."""
        return slice(self.position.stop, self.position.stop + self.d_vocab)

    @property
    def output(self) -> slice:
        """The token to be predicted."""
        return slice(self.previous.stop, self.previous.stop + self.d_vocab)

    @property
    def d_model(self) -> int:
        """The width that all of them need."""
        return self.output.stop


@torch.no_grad()
def build(
    d_vocab: int = D_VOCAB,
    n_ctx: int = N_CTX,
    match: float = MATCH,
    rest: float = REST,
    gain: float = GAIN,
) -> ToyTransformer:
    """Build the circuit.

    Args:
        d_vocab: how many tokens there are. Id 0 is the BOS.
        n_ctx: the longest sequence.
        match: the attention score of a match in either head, where no match scores 0.
        rest: the score of position 0 in head 1.0; between 0 and `match`.
        gain: the logit of the predicted token, where the others have 0.

    Returns:
        A float64 model with one head in each layer and no normalisation.

    """
    if not 0 < rest < match:
        raise ValueError(
            f"build got rest={rest} and match={match}, expected 0 < rest < match. Head 1.0 must "
            "prefer a match to resting, and resting to any other place."
        )
    layout = Layout(d_vocab, n_ctx)
    model = _empty(layout)
    weights: Weights = dict(model.named_parameters())
    tokens, positions = _one_hot(d_vocab), _one_hot(n_ctx)
    weights["embed.W_E"][:, layout.token] = tokens
    weights["pos_embed.W_pos"][:, layout.position] = positions
    weights["unembed.W_U"][layout.output] = gain * tokens
    scale = math.sqrt(model.cfg.d_head)  # the model divides scores by it
    _look_back(_head(weights, 0), layout, match * scale)
    _induce(_head(weights, 1), layout, match * scale, rest * scale)
    return model


def _look_back(head: Weights, layout: Layout, match: float) -> None:
    """Write head 0.0: the query at a position is the one-hot of the position before."""
    n_ctx, d_vocab = layout.n_ctx, layout.d_vocab
    one_back = torch.ones(n_ctx - 1).diag(-1)  # row 5 has its one in column 4
    head["W_Q"][layout.position, :n_ctx] = match * one_back
    head["W_K"][layout.position, :n_ctx] = _one_hot(n_ctx)
    head["W_V"][layout.token, :d_vocab] = _one_hot(d_vocab)
    head["W_O"][:d_vocab, layout.previous] = _one_hot(d_vocab)


def _induce(head: Weights, layout: Layout, match: float, rest: float) -> None:
    """Write head 1.0: look for my token in `previous`, else rest on position 0; copy the token."""
    d_vocab = layout.d_vocab
    head["W_Q"][layout.token, :d_vocab] = match * _one_hot(d_vocab)
    head["W_K"][layout.previous, :d_vocab] = _one_hot(d_vocab)
    head["b_Q"][d_vocab] = rest
    head["W_K"][layout.position.start, d_vocab] = 1.0
    head["W_V"][layout.token, :d_vocab] = _one_hot(d_vocab)
    head["W_V"][BOS] = 0.0  # resting writes nothing
    head["W_O"][:d_vocab, layout.output] = _one_hot(d_vocab)


def _head(weights: Weights, layer: int) -> Weights:
    """Return the weights of the layer's only head, as views."""
    return {name: weights[f"blocks.{layer}.attn.{name}"][0] for name in HEAD}


def _one_hot(size: int) -> Tensor:
    return torch.eye(size, dtype=torch.float64)


def _empty(layout: Layout) -> ToyTransformer:
    """Return a model of the right shape with every weight zero."""
    cfg = Config(
        n_layers=2,
        n_heads=1,
        d_model=layout.d_model,
        d_head=max(layout.n_ctx, layout.d_vocab + 1),
        n_ctx=layout.n_ctx,
        d_vocab=layout.d_vocab,
        attn_only=True,
        normalization_type=None,
        dtype="float64",
    )
    model = ToyTransformer(cfg)
    for weight in model.parameters():
        weight.zero_()
    return model


def _make(seed: int, steps: int, progress: bool) -> ToyTransformer:  # noqa: ARG001
    return build()


RECIPE = Recipe(
    what="An induction circuit written by hand: a previous-token head (0.0) and an induction head "
    "(1.0) in one-hot residual subspaces, attention only, no normalisation, float64. It rests on "
    "the BOS.",
    data="None: every weight is set. Measured on random tokens written twice.",
    seed=0,
    steps=0,
    make=_make,
    measure=measure_induction,
    tolerance=1e-6,
    bounds={
        "accuracy": (1.0, 1.0),
        "previous-token score 0.0": (0.999, 1.0),
        "induction score 1.0": (0.999, 1.0),
    },
)
