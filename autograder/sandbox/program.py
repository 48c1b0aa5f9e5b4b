"""What the grader hands to a student's process, and what it gets back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from autograder.frames import MAX_FRAME, encode

CellStatus = Literal["ok", "error", "timeout", "memory", "crash", "skipped"]
AnswerStatus = Literal[
    "value",
    "not_started",
    "missing",
    "error",
    "timeout",
    "memory",
    "crash",
    "invalid_output",
]


class SandboxError(RuntimeError):
    """Trouble of ours, not the student's: the status `infrastructure`, and never a score of 0."""


@dataclass(frozen=True)
class Program:
    """A submission's code, and what it may use.

    Attributes:
        cells: the code cells in order; each runs once, in one namespace.
        withheld: dotted names in `course` that are themselves exercises of this lab.
        megabytes: memory that the process may take above what the fork server takes.
        cell_seconds: wall time for one cell.
        total_seconds: wall time after which no cell is started, in all processes together.

    """

    cells: Sequence[str]
    withheld: Sequence[str] = ()
    megabytes: int = 1024
    cell_seconds: float = 10.0
    total_seconds: float = 120.0


@dataclass(frozen=True)
class Arguments:
    """A call's arguments by name, as the frame in which they travel.

    The same case is sent to many students, so the frame is worth keeping.
    """

    names: tuple[str, ...]
    frame: bytes

    @classmethod
    def of(cls, inputs: Mapping[str, Any]) -> Arguments:
        """Put values, or values that are flat already, into a frame."""
        return cls(tuple(inputs), encode("arguments", list(inputs.values()), 4 * MAX_FRAME))


@dataclass(frozen=True)
class CellOutcome:
    """What became of a cell; `index` counts the program's cells from 0."""

    index: int
    status: CellStatus
    message: str = ""


@dataclass(frozen=True)
class Answer:
    """What a call gave. Everything in it is the student's claim; only `value` is worth judging.

    Attributes:
        status: `value`, or why there is none.
        value: the value returned.
        message: what to tell the student when there is none.
        advice: what is worth knowing but costs nothing.
        seconds: wall time of the call.
        peak_rss_mb: most memory that the process has had so far, what it shares included.

    """

    status: AnswerStatus
    value: Any = None
    message: str = ""
    advice: tuple[str, ...] = field(default=())
    seconds: float = 0.0
    peak_rss_mb: float | None = None
