"""Read what a student's process says of itself: nothing in it is believed but a value."""

from __future__ import annotations

import signal
from typing import Any, get_args

from autograder.sandbox.program import Answer, AnswerStatus

MAX_TEXT = 3000
MAX_ADVICE = 20
# Windows has neither; what is ended there for want of memory is said to have had SIGKILL.
SIGKILL = getattr(signal, "SIGKILL", 9)
SIGXCPU = getattr(signal, "SIGXCPU", 24)


def signal_name(number: int) -> str:
    """Return a signal's name, or its number when it has none, as real-time signals."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def answer(reply: dict[str, Any]) -> Answer:
    """Return a reply as an answer, whatever is in it."""
    status = reply["status"]
    if status not in get_args(AnswerStatus):
        return Answer("invalid_output", message="the reply has an unknown status")
    advice = reply.get("advice")
    return Answer(
        status,
        reply.get("value") if status == "value" else None,
        text(reply.get("message")),
        tuple(text(one) for one in advice[:MAX_ADVICE]) if isinstance(advice, list) else (),
        _number(reply.get("seconds")) or 0.0,
        _number(reply.get("peak_rss_mb")),
    )


def text(claim: Any) -> str:
    """Return text that is safe to show in a terminal or a table."""
    if not isinstance(claim, str):
        return ""
    return "".join(one for one in claim[:MAX_TEXT] if one.isprintable() or one in "\n\t")


def _number(claim: Any) -> float | None:
    is_number = isinstance(claim, int | float) and not isinstance(claim, bool)
    return float(claim) if is_number and 0 <= claim < 1e9 else None
