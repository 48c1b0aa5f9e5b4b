"""The task on which induction heads are seen: random tokens, then the same tokens again.

The first copy cannot be predicted. The second can, by anyone who looks back for the token they
stand on and reads what came next ("In-context Learning and Induction Heads", Olsson et al. 2022).
"""

from __future__ import annotations

import torch
from jaxtyping import Int
from torch import Tensor

BOS = 0


def repeated_tokens(
    batch: int,
    period: int,
    d_vocab: int,
    generator: torch.Generator | None = None,
    *,
    bos: bool = True,
    distinct: bool = False,
) -> Int[Tensor, "batch pos"]:
    """Draw `period` random tokens and write them twice, after a BOS unless `bos` is False.

    Args:
        batch: how many sequences.
        period: how many tokens a copy has.
        d_vocab: size of the vocabulary. Id 0 is the BOS, the others are drawn evenly.
        generator: where the random numbers come from; torch's own when None.
        bos: whether to begin with the BOS. Without it there are `2 * period` positions.
        distinct: whether a copy must not contain a token twice.

    Returns:
        Token ids. With the BOS the first copy is at positions 1 to `period`, the second at
        `period + 1` to `2 * period`.

    """
    _check(batch, period, d_vocab, distinct)
    if distinct:
        keys = torch.rand(batch, d_vocab - 1, generator=generator)
        copy = 1 + keys.argsort(dim=-1)[:, :period]
    else:
        copy = torch.randint(1, d_vocab, (batch, period), generator=generator)
    start = torch.full((batch, 1 if bos else 0), BOS)
    return torch.cat([start, copy, copy], dim=1)


def _check(batch: int, period: int, d_vocab: int, distinct: bool) -> None:
    if batch < 1 or period < 1 or d_vocab < 2:
        raise ValueError(
            f"repeated_tokens got batch={batch}, period={period}, d_vocab={d_vocab}. Expected "
            "batch and period of at least 1, and at least 2 tokens: the BOS (id 0) and one more."
        )
    if distinct and period > d_vocab - 1:
        raise ValueError(
            f"repeated_tokens cannot draw {period} distinct tokens from {d_vocab - 1} (d_vocab="
            f"{d_vocab} less the BOS). Choose a period of at most {d_vocab - 1}, or distinct=False."
        )
