"""Shapley values: what each player adds, averaged over all orders in which they could have come.

The only division of v(all) - v(none) that is *efficient* (sums to it), *symmetric* (equal players
get the same), *null* (who never adds anything gets 0) and *additive* in games (Shapley, "A Value
for n-Person Games", 1953; for models: Lundberg & Lee, "A Unified Approach to Interpreting Model
Predictions", 2017). Here by enumeration of all 2^n coalitions: exact, for a dozen players or so.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from course.as_functions import Game, play


def shapley_values(game: Game, n_players: int) -> Float[Tensor, "player"]:
    """Return the exact Shapley value of each player.

    Args:
        game: from coalitions (coalition player) of True and False to values (coalition), such as
            `as_functions.token_game`. It is called once, with all coalitions.
        n_players: at most 16.

    Raises:
        ValueError: for too many players or none, or a game that does not return a finite number for
            each coalition.

    """
    coalitions, values = play(game, n_players)
    weights = shapley_weights(n_players).to(values)
    # What is added to a set without the player is one value minus another: sets with the player
    # count for it, by the weight of the set before it came; sets without it count against.
    before = coalitions.sum(dim=1, keepdim=True) - coalitions.long()
    sign = torch.where(coalitions, 1, -1)
    return values @ (sign * weights[before])


def shapley_weights(n_players: int) -> Float[Tensor, "size"]:
    """Return the weight of what a player adds to a set of each size: size! (n - size - 1)! / n!.

    It is the part of all orders in which exactly that set comes before the player.
    """
    sizes = range(n_players)
    weights = [1 / (n_players * math.comb(n_players - 1, size)) for size in sizes]
    return torch.tensor(weights, dtype=torch.float64)
