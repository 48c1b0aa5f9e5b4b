"""How much of a head's attention is the one that a previous-token or an induction head pays."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor


def previous_token_score(
    pattern: Float[Tensor, "batch head query key"],
) -> Float[Tensor, "head"]:
    """Average the attention from each position, the first excepted, to the one before it.

    Raises:
        ValueError: for another shape, or sequences of fewer than two positions.

    """
    _check(pattern, 2, "two positions, for one to have another before it")
    return pattern.diagonal(-1, dim1=-2, dim2=-1).mean(dim=(0, -1))


def induction_score(
    pattern: Float[Tensor, "batch head query key"], period: int, *, bos: bool = True
) -> Float[Tensor, "head"]:
    """Average the attention from the second copy to what followed in the first.

    Args:
        pattern: attention on `repeated_tokens` of this period.
        period: how many tokens a copy has.
        bos: whether the sequences begin with a BOS.

    Returns:
        For each head, the mean over queries in the second copy of the attention `period - 1`
        positions back: to the token after the previous occurrence of the query's own.

    Raises:
        ValueError: if the pattern is not that of two copies of this period.

    """
    positions = 2 * period + bos
    _check(pattern, positions, f"{positions} positions for period={period}, bos={bos}", exact=True)
    second_copy = 2 if bos else 1
    offset = pattern.diagonal(1 - period, dim1=-2, dim2=-1)  # begins at query period - 1
    return offset[..., second_copy:].mean(dim=(0, -1))


def _check(pattern: Tensor, positions: int, expected: str, *, exact: bool = False) -> None:
    """Raise ValueError unless a pattern has as many positions as an average over it needs."""
    shape = tuple(pattern.shape)
    fits = len(shape) == 4 and shape[2] == shape[3] and 0 not in shape and shape[2] >= positions
    if not fits or (exact and (shape[2] != positions or positions < 2)):
        raise ValueError(
            f"A score was given a pattern of shape {shape}; expected (batch head query key), with "
            f"{expected}.\nA single sequence needs its batch axis: pattern[None]."
        )
