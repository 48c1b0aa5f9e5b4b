"""How much of a head's attention is the one that a previous-token or an induction head pays."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor


def previous_token_score(
    pattern: Float[Tensor, "batch head query key"],
) -> Float[Tensor, "head"]:
    """Average the attention from each position, the first excepted, to the one before it."""
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

    """
    second_copy = 2 if bos else 1
    offset = pattern.diagonal(1 - period, dim1=-2, dim2=-1)  # begins at query period - 1
    return offset[..., second_copy:].mean(dim=(0, -1))
