"""LIME: the additive model that is nearest to a game, near the input.

Some players are left out, the game is played, and a linear model of who was there is fitted to the
values by weighted least squares; its coefficients are the explanation (Ribeiro, Singh & Guestrin,
"Why Should I Trust You?", 2016). LIME samples coalitions; here the design is all 2^n of them, so
that nothing is left to chance. On an additive game it is exact; on others it depends on the
weights, which say how much each coalition matters.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from course.as_functions import Game, all_coalitions, play


@dataclass(frozen=True)
class LocalModel:
    """An additive model of a game: intercept + the sum of the coefficients of those present."""

    coefficients: Float[Tensor, "player"]
    intercept: Float[Tensor, ""]

    def __call__(self, coalitions: Bool[Tensor, "coalition player"]) -> Float[Tensor, "coalition"]:
        """Return what the model says of each coalition; it is a game itself."""
        return self.intercept + coalitions.to(self.coefficients) @ self.coefficients


def lime(
    game: Game, n_players: int, weights: Float[Tensor, "coalition"], *, ridge: float = 0.0
) -> LocalModel:
    """Fit an additive model to all coalitions, by weighted least squares in closed form.

    Args:
        game: from coalitions (coalition player) of True and False to values (coalition). It is
            called once, with all coalitions.
        n_players: at most 16.
        weights: of each coalition's squared error, in the order of `all_coalitions`, such as
            `lime_kernel` gives.
        ridge: penalty on the squared coefficients; the intercept goes free.

    Raises:
        ValueError: for a game that does not return a finite number for each coalition, weights that
            are negative or not one for each coalition, a negative ridge, or weights that leave the
            coefficients undetermined.

    """
    coalitions, values = play(game, n_players)
    _check_weights(weights, len(coalitions), ridge)
    weights, present = weights.to(values), coalitions.to(values)
    # A free intercept is the same as fitting what is left after the weighted means.
    level, centre = weights @ values / weights.sum(), weights @ present / weights.sum()
    off = present - centre
    gram = off.mT @ (weights[:, None] * off) + ridge * torch.eye(n_players).to(values)
    moment = off.mT @ (weights * (values - level))
    if torch.linalg.matrix_rank(gram, hermitian=True) < n_players:
        raise ValueError(
            "lime was given weights that leave some coefficient undetermined; expected coalitions "
            "of positive weight both with and without every player.\nUse lime_kernel, or a ridge."
        )
    coefficients = torch.linalg.solve(gram, moment)
    return LocalModel(coefficients, level - centre @ coefficients)


def lime_kernel(n_players: int, width: float = 0.25) -> Float[Tensor, "coalition"]:
    """Return the weight of each coalition: the closer to the full one, the more.

    exp(-d^2 / (2 width^2)), with d the cosine distance 1 - sqrt(size / n) of its row to the full
    one. The default is that of `lime.lime_text`, which measures d in hundredths.

    Raises:
        ValueError: for a width that is not positive, too many players or none.

    """
    if not width > 0:
        raise ValueError(f"lime_kernel was given width={width}; expected a positive number.")
    size = all_coalitions(n_players).sum(dim=1).double()
    distance = 1 - (size / n_players).sqrt()
    return torch.exp(-(distance**2) / (2 * width**2))


def _check_weights(weights: Tensor, n_coalitions: int, ridge: float) -> None:
    """Raise ValueError unless there is a weight for each coalition and a ridge of 0 or more."""
    if weights.shape != (n_coalitions,):
        raise ValueError(
            f"lime was given weights of shape {tuple(weights.shape)}; expected one for each of the "
            f"2^n coalitions, ({n_coalitions},), in the order of all_coalitions(n)."
        )
    if not weights.isfinite().all() or (weights < 0).any() or not weights.sum() > 0 or ridge < 0:
        raise ValueError(
            f"lime was given weights from {float(weights.min()):.4g} to {float(weights.max()):.4g} "
            f"and ridge={ridge}; expected finite weights of 0 or more, not all 0, and a ridge of 0 "
            "or more.\nShapley's kernel is infinite at both ends: use large numbers there."
        )
