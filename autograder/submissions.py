"""Read a submission: which cells to run, and which function answers which exercise.

It arrives as people and editors left it; what can be put right is, and said. Check cells are never
taken from a submission. Nothing is executed here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from autograder.answers import Answers, Part, grade_id, marked_exercise
from autograder.demonstrations import demonstrations, normal
from autograder.discover import Found, discover
from autograder.magics import is_command, turn_off
from autograder.names import code_of
from autograder.opening import RawCell, SubmissionError, open_cells, percent_cells, read_limited
from autograder.paths import RoomMissingError, Rooms

__all__ = ["Cell", "Found", "Submission", "SubmissionError", "discover", "read"]

_TESTS = re.compile(r"^### (?:BEGIN HIDDEN TESTS|nbgrader)", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True)
class Cell:
    """A cell to run.

    `index` counts the file's cells from 1 (0 for one of the lab's own that was put back), `kind` is
    `setup`, `code` or `answer`, and `exercise` names the exercise that the cell answers. Without a
    `demonstration`, a cell of the course's on which nothing depends, the grade is the same.
    """

    index: int
    source: str
    exercise: str | None
    kind: str
    demonstration: bool = False


@dataclass(frozen=True)
class Submission:
    """What a file hands in: cells to run, and `entries`, exercise name -> function name.

    `mended` says in plain sentences what was put right. An exercise without an entry is missing.
    """

    path: Path
    lab: str
    sha256: str
    cells: list[Cell]
    entries: dict[str, str]
    mended: list[str]

    def in_full(self) -> Submission:
        """Return the same submission with the course's demonstrations among the cells to run."""
        return replace(self, cells=[replace(cell, demonstration=False) for cell in self.cells])


def read(
    path: Path | str,
    lab: str,
    exercises: Sequence[str],
    rooms: Rooms | None = None,
) -> Submission:
    """Read a submission to `lab` and find the answers to `exercises`.

    Args:
        path: a notebook or a percent script.
        lab: the lab it answers.
        exercises: function names, in the lab's order.
        rooms: where the shipped exercises lie, to put back first cells that were deleted or moved
            behind the answers, and to know the course's own cells from the student's.

    Raises:
        SubmissionError: the file is no notebook or script, in one line.

    """
    path = Path(path)
    raw, mended = open_cells(path)
    parts = []
    for cell, source in zip(raw, _readable(raw, mended), strict=True):
        marked = marked_exercise(cell.metadata, lab, exercises)
        parts.append(Part(cell.number, cell.source, code_of(source), cell.metadata, marked))
    answers = Answers(_without_checks(parts, mended), exercises)
    kept = [part for part in answers.parts if part not in answers.dropped]
    cells = _cells(kept, answers)
    mended += answers.mended
    shipped = _shipped(lab, rooms or Rooms.here())
    if answers.entries:
        cells = _missing_setup(kept, answers, shipped.setup, mended) + cells
    else:
        _say_other_lab(raw, lab, mended)
    places = demonstrations([cell.source for cell in cells], shipped.own)
    cells = [replace(cell, demonstration=place in places) for place, cell in enumerate(cells)]
    digest = hashlib.sha256(read_limited(path)).hexdigest()
    return Submission(path, lab, digest, cells, answers.entries, mended)


@dataclass(frozen=True)
class _Shipped:
    """A lab as students get it: its code cells before the first exercise, and all but exercises."""

    setup: tuple[str, ...] = ()
    own: frozenset[str] = frozenset()


def _shipped(lab: str, rooms: Rooms) -> _Shipped:
    try:
        path = rooms.exercise(lab, ".py")
    except RoomMissingError:
        return _Shipped()
    return _read_shipped(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=32)
def _read_shipped(path: Path, _changed: int) -> _Shipped:
    cells = percent_cells(path.read_text(encoding="utf-8")) or []
    answering = [place for place, cell in enumerate(cells) if "exercise" in cell.metadata]
    first = min(answering, default=len(cells))
    own = [cell for cell in cells if not cell.metadata]
    return _Shipped(
        tuple(cell.source for cell in cells[:first]),
        frozenset(normal(cell.source) for cell in own),
    )


def _readable(raw: list[RawCell], mended: list[str]) -> list[str]:
    """Return the cells' sources as plain Python, to be read; IPython's lines become comments."""
    sources, said = [], []
    for cell in raw:
        source, off = turn_off(cell.source)
        sources.append(source)
        said += [f"`{line[:40]}` in cell {cell.number}" for line in off if is_command(line)]
    if said:
        more = f" and {len(said) - 5} more" if len(said) > 5 else ""
        mended.append(f"Shell commands are off while grading: {', '.join(said[:5])}{more}.")
    return sources


def _without_checks(parts: list[Part], mended: list[str]) -> list[Part]:
    kept = []
    for part in parts:
        if _is_check(part):
            if not part.code.functions:
                continue
            mended.append(f"Cell {part.number} is a check but defines a function: it was kept.")
        kept.append(part)
    return kept


def _is_check(part: Part) -> bool:
    nbgrader = part.metadata.get("nbgrader")
    if isinstance(nbgrader, dict) and nbgrader.get("grade") and not nbgrader.get("solution"):
        return True
    return bool(
        part.metadata.get("title") == "check"
        or grade_id(part.metadata).endswith("-check")
        or _TESTS.search(part.code.source)
        or part.code.only_calls({"check", "hint"})
    )


def _cells(parts: list[Part], answers: Answers) -> list[Cell]:
    exercises = {part: name for name, part in answers.chosen.items()}
    return [
        Cell(
            part.number,
            part.source,
            exercises.get(part),
            "answer" if part in exercises else "code",
        )
        for part in parts
        if part.source.strip()
    ]


def _missing_setup(
    parts: list[Part], answers: Answers, setup: Sequence[str], mended: list[str]
) -> list[Cell]:
    """Return the lab's own first cells that the rest needs and lacks, or has after an answer."""
    answering = set(answers.chosen.values())
    places = [place for place, part in enumerate(parts) if part in answering]
    first = min(places, default=len(parts))
    present = set().union(*(part.code.bound for part in parts[:first]))
    needed = set().union(*(part.code.used for part in parts)) - present
    missing: list[Cell] = []
    for code in reversed([code_of(source) for source in setup]):
        if code.bound & needed:
            missing.insert(0, Cell(0, code.source, None, "setup"))
            needed |= code.used - present
    if missing:
        mended.append("First cells of the lab were missing or stood after the answers: put back.")
    return missing


def _say_other_lab(raw: list[RawCell], lab: str, mended: list[str]) -> None:
    named = {match[1] for cell in raw for match in re.finditer(r'\blab\("(\w+)"\)', cell.source)}
    if named and lab not in named:
        mended.append(f"It looks like a submission to {min(named)}, not to {lab}.")
