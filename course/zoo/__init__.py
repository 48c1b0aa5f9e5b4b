"""The zoo: small models that come with the course, each with a card that says what is true of it.

Loading needs this package's weights alone. What trains, builds or checks models is imported when it
is used, and need not be there.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from course.zoo.disguises import Disguised, disguise
from course.zoo.repeated import BOS, repeated_tokens
from course.zoo.store import UnknownModelError, card, load, names, sha256

if TYPE_CHECKING:
    from course.zoo.check import Row

__all__ = [
    "BOS",
    "Disguised",
    "UnknownModelError",
    "card",
    "check_card",
    "disguise",
    "load",
    "measure",
    "names",
    "repeated_tokens",
    "sha256",
    "train",
]


def train(
    name: str,
    seed: int | None = None,
    steps: int | None = None,
    out: str | Path | None = None,
    *,
    progress: bool = True,
) -> Path:
    """Make a model anew by its recipe; see `course.zoo.making.train`."""
    from course.zoo import making

    return making.train(name, seed, steps, out, progress=progress)


def measure(name: str, folder: str | Path | None = None) -> dict[str, Any]:
    """Measure afresh what a model's card claims; see `course.zoo.check.measure`."""
    from course.zoo import check

    return check.measure(name, folder)


def check_card(name: str, folder: str | Path | None = None) -> list[Row]:
    """Compare a model with its card, claim by claim; see `course.zoo.check.check_card`."""
    from course.zoo import check

    return check.check_card(name, folder)
