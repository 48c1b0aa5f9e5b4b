"""Occlusion: take one thing away, or put another in its place, and see what the output does.

The plainest of attributions, and the only one that never leaves what the model really computes on
real tokens (Zeiler & Fergus, "Visualizing and Understanding Convolutional Networks", 2014; as
*leave-one-out* for text: Li, Monroe & Jurafsky, "Understanding Neural Networks through
Representation Erasure", 2016). It is exact and local: of two tokens that say the same neither is
missed. What stands in the gap matters, since a filler that the model never saw there is news too.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor
from tqdm.auto import tqdm

from course.as_functions import Game, check_finite_values
from course.metrics import Metric, measured
from course.model import ToyTransformer
from course.tokens import check_tokens


@torch.no_grad()
def replace_one(
    model: ToyTransformer,
    tokens: Int[Tensor, "batch pos"],
    candidates: Int[Tensor, "candidate"],
    metric: Metric,
    *,
    progress: bool = False,
) -> Float[Tensor, "batch pos candidate"]:
    """Return how much the metric changes when one token is replaced, for every position and token.

    It is the metric with the replacement minus the metric without: 0 where a candidate is what
    stood there, negative where the original was better for the metric.

    Raises:
        ValueError: for tokens or candidates that the model cannot read, or no candidates.

    """
    check_tokens(tokens, d_vocab=model.cfg.d_vocab, n_ctx=model.cfg.n_ctx)
    if candidates.ndim != 1 or not len(candidates):
        raise ValueError(
            f"replace_one was given candidates of shape {tuple(candidates.shape)}; expected "
            "(candidate), one token at least.\nA single token: torch.tensor([token])."
        )
    check_tokens(candidates[:, None], d_vocab=model.cfg.d_vocab, n_ctx=model.cfg.n_ctx)
    base = measured(metric, model(tokens))
    changes = base.new_zeros(*tokens.shape, len(candidates))
    for pos in tqdm(range(tokens.shape[1]), "positions", disable=not progress):
        for index, candidate in enumerate(candidates):
            replaced = tokens.clone()
            replaced[:, pos] = candidate
            changes[:, pos, index] = measured(metric, model(replaced)) - base
    return changes


@torch.no_grad()
def occlude(
    model: ToyTransformer,
    tokens: Int[Tensor, "batch pos"],
    filler: int,
    metric: Metric,
    *,
    window: int = 1,
) -> Float[Tensor, "batch window_start"]:
    """Return how much the metric falls when a stretch of tokens is replaced by a filler.

    It is the metric without the filler minus the metric with it: the stretch's contribution.

    Args:
        model: it is not changed.
        tokens: the sequences.
        filler: the token that stands in, such as the language's padding or a frequent neutral word.
        metric: from logits to one number for each sequence.
        window: how many neighbours are replaced at once.

    Raises:
        ValueError: for tokens or filler that the model cannot read, or a window that does not fit.

    """
    check_tokens(tokens, d_vocab=model.cfg.d_vocab, n_ctx=model.cfg.n_ctx)
    check_tokens(torch.tensor([[filler]]), d_vocab=model.cfg.d_vocab, n_ctx=model.cfg.n_ctx)
    n_pos = tokens.shape[1]
    if not 1 <= window <= n_pos:
        raise ValueError(f"occlude was given window={window}; expected 1 to {n_pos} positions.")
    base = measured(metric, model(tokens))
    falls = []
    for start in range(n_pos - window + 1):
        filled = tokens.clone()
        filled[:, start : start + window] = filler
        falls.append(base - measured(metric, model(filled)))
    return torch.stack(falls, dim=1)


def leave_one_out(game: Game, n_players: int) -> Float[Tensor, "player"]:
    """Return what the full coalition loses with each player: v(all) - v(all but the player).

    Raises:
        ValueError: for no players, or a game that does not return a finite number for each
            coalition.

    """
    if n_players < 1:
        raise ValueError(f"leave_one_out was given n_players={n_players}; expected 1 or more.")
    full = torch.ones(1, n_players, dtype=torch.bool)
    without = ~torch.eye(n_players, dtype=torch.bool)
    coalitions = torch.cat([full, without])
    values = check_finite_values(game(coalitions), coalitions)
    return values[0] - values[1:]
