"""What a comparison found: passed, or the first check that failed and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

MAX_MESSAGE = 2000


@dataclass(frozen=True)
class Verdict:
    """The outcome of one comparison.

    `check` is "passed" or the name of the first check that failed. `message` may hold numbers of
    the expected answer: it is for the learner on public cases and for the instructor. `got` and
    `expected` are the two tensors in question, when there are any; `extent` then says how far and
    how widely they differ.
    """

    passed: bool
    check: str
    message: str
    part: str = ""
    axes: tuple[str, ...] = ()
    index: tuple[int, ...] | None = None
    got: Tensor | None = None
    expected: Tensor | None = None
    extent: str = ""


class Mismatch(Exception):
    """Ends a comparison at the first check that fails."""

    def __init__(self, check: str, message: str, **details: Any) -> None:
        if len(message) > MAX_MESSAGE:
            message = f"{message[:MAX_MESSAGE]}..."
        super().__init__(message)
        self.verdict = Verdict(passed=False, check=check, message=message, **details)


def listed(items: Any) -> str:
    """Return the items as a set in words, cut where a hostile answer would flood a report."""
    listed = sorted(repr(item)[:60] for item in items)
    return "{" + ", ".join(listed[:12]) + (", ..." if len(listed) > 12 else "") + "}"
