"""Cases on the trained model: in a disguise, so that the answer moves."""

from __future__ import annotations

from typing import Any

from autograder.draw import Draw
from course import zoo


def disguised_induction(draw: Draw) -> dict[str, Any]:
    """Return the trained model with its heads and vocabulary permuted, and sequences for it."""
    trained = zoo.load("induction_2l")
    disguised = zoo.disguise(trained, draw.integer(0, 2**31 - 1))
    period = draw.integer(9, 12)
    tokens = zoo.repeated_tokens(
        draw.integer(5, 7), period, trained.cfg.d_vocab, draw.generator, distinct=True
    )
    return {
        "model": disguised.model,
        "tokens": disguised.tokens(tokens),
        "period": period,
    }
