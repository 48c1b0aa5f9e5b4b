"""Find the answers in a submission, and mend what editors and students broke.

Answers are found by nbgrader's grade id, then by the exercise's mark, then by the function's name.
Check cells are never taken from a submission. Nothing is executed here: what comes out is the cells
to run, in order, and under which name each exercise's function will then be found.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from autograder.discover import Found, discover
from autograder.magics import turn_off
from autograder.names import bound, functions, only_calls, only_defines, unfinished
from autograder.opening import RawCell, SubmissionError, open_cells, percent_cells, read_limited
from autograder.paths import RoomMissingError, Rooms

__all__ = ["Cell", "Found", "Submission", "SubmissionError", "discover", "read"]

_TESTS = re.compile(r"^### (?:BEGIN HIDDEN TESTS|nbgrader)", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True)
class Cell:
    """A cell to run.

    `index` counts the file's cells from 1 (0 for one of the lab's own that was put back), `kind` is
    `setup`, `code` or `answer`, and `exercise` names the exercise that the cell answers.
    """

    index: int
    source: str
    exercise: str | None
    kind: str


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


def read(
    path: Path | str,
    lab: str,
    exercises: Sequence[str],
    setup: Sequence[str] | None = None,
) -> Submission:
    """Read a submission to `lab` and find the answers to `exercises`.

    Args:
        path: a notebook or a percent script.
        lab: the lab it answers.
        exercises: function names, in the lab's order.
        setup: the lab's own cells before the first exercise, to put back what was deleted or moved
            behind the answers; read from the shipped exercise by default.

    Raises:
        SubmissionError: the file is no notebook or script, in one line.

    """
    path = Path(path)
    raw, mended = open_cells(path)
    parts = _without_magics(raw, mended)
    marked = {id(part): _marked_exercise(part, lab, exercises) for part in parts}
    parts = _without_checks(parts, mended)
    answers = _Answers(parts, marked, exercises, mended)
    kept = [part for part in parts if id(part) not in answers.dropped]
    by_part = {id(part): name for name, part in answers.chosen.items()}
    cells = [
        Cell(p.number, p.source, by_part.get(id(p)), "answer" if id(p) in by_part else "code")
        for p in kept
        if p.source.strip()
    ]
    if answers.entries:
        cells = _put_back(cells, shipped_setup(lab) if setup is None else setup, mended)
    else:
        _say_other_lab(raw, lab, mended)
    digest = hashlib.sha256(read_limited(path)).hexdigest()
    return Submission(path, lab, digest, cells, answers.entries, mended)


def shipped_setup(lab: str, rooms: Rooms | None = None) -> list[str]:
    """Return the code cells that stand before a lab's first exercise, as they were shipped."""
    try:
        text = (rooms or Rooms.here()).exercise(lab, ".py").read_text(encoding="utf-8")
    except RoomMissingError:
        return []
    sources = []
    for cell in percent_cells(text) or []:
        if "exercise" in cell.metadata:
            break
        sources.append(cell.source)
    return sources


def _without_magics(raw: list[RawCell], mended: list[str]) -> list[RawCell]:
    parts, said = [], []
    for cell in raw:
        source, off = turn_off(cell.source)
        parts.append(RawCell(cell.number, source, cell.metadata))
        said += [f"`{line[:40]}` in cell {cell.number}" for line in off]
    if said:
        more = f" and {len(said) - 5} more" if len(said) > 5 else ""
        mended.append(f"IPython's own lines were turned off: {', '.join(said[:5])}{more}.")
    return parts


def _grade_id(metadata: dict) -> str:
    nbgrader = metadata.get("nbgrader")
    grade_id = nbgrader.get("grade_id") if isinstance(nbgrader, dict) else None
    return grade_id if isinstance(grade_id, str) else ""


def _marked_exercise(part: RawCell, lab: str, exercises: Sequence[str]) -> str | None:
    """Return the exercise that a cell's metadata says it answers: by grade id, then by our mark."""
    glassbox = part.metadata.get("glassbox")
    mark = glassbox.get("exercise") if isinstance(glassbox, dict) else None
    for name in exercises:
        if _grade_id(part.metadata) == f"{lab}-{name}":
            return name
    for name in exercises:
        if mark == f"{lab}/{name}" or part.metadata.get("exercise") == name:
            return name
    return None


def _without_checks(parts: list[RawCell], mended: list[str]) -> list[RawCell]:
    kept = []
    for part in parts:
        if _is_check(part):
            if not functions(part.source):
                continue
            mended.append(f"Cell {part.number} is a check but defines a function: it was kept.")
        kept.append(part)
    return kept


def _is_check(part: RawCell) -> bool:
    nbgrader = part.metadata.get("nbgrader")
    if isinstance(nbgrader, dict) and nbgrader.get("grade") and not nbgrader.get("solution"):
        return True
    return bool(
        part.metadata.get("title") == "check"
        or _grade_id(part.metadata).endswith("-check")
        or _TESTS.search(part.source)
        or only_calls(part.source, {"check", "hint"})
    )


class _Answers:
    """Decide which cell answers which exercise, and which cells only repeat an answer."""

    def __init__(
        self,
        parts: list[RawCell],
        marked: dict[int, str | None],
        exercises: Sequence[str],
        mended: list[str],
    ) -> None:
        self.parts = parts
        self.marked = marked
        self.exercises = exercises
        self.binds = {id(part): bound(part.source) for part in parts}
        self.chosen: dict[str, RawCell] = {}
        self.entries: dict[str, str] = {}
        self.dropped: set[int] = set()
        self.mended = mended
        unmarked = [name for name in exercises if self._choose(name)]
        self._say_unmarked(unmarked)
        self._say_missing()
        self._say_reordered()

    def _choose(self, name: str) -> bool:
        """Choose the cell that answers `name`; tell whether its name alone gave it away."""
        marked = [part for part in self.parts if self.marked[id(part)] == name]
        defining = [part for part in self.parts if name in self.binds[id(part)]]
        both = [part for part in marked if name in self.binds[id(part)]]
        if all(unfinished(part.source, name) for part in both):
            both = []  # an untouched stub does not stand in the way of an answer elsewhere
        pool = both or defining
        if not pool:
            self._renamed(name, marked)
            return False
        started = [part for part in pool if not unfinished(part.source, name)]
        best = (started or pool)[-1]
        self.chosen[name], self.entries[name] = best, name
        self._drop_others(name, best, defining)
        if marked and self.marked[id(best)] != name:
            self._say(f"`{name}` was found in cell {best.number}, not in the cell meant for it.")
        return not marked

    def _drop_others(self, name: str, best: RawCell, defining: list[RawCell]) -> None:
        others = [part for part in defining if part is not best]
        if others:
            numbers = ", ".join(str(part.number) for part in others)
            self._say(
                f"`{name}` is defined more than once (also in {numbers}): cell {best.number} "
                "was graded."
            )
        self.dropped |= {id(part) for part in others if only_defines(part.source, name)}

    def _renamed(self, name: str, marked: list[RawCell]) -> None:
        """Use another function of the cell that is marked for this exercise."""
        for part in reversed(marked):
            made = [made for made in functions(part.source) if made not in self.exercises]
            if made:
                close = difflib.get_close_matches(name, made, n=1, cutoff=0.0)
                entry = close[0] if close else made[-1]
                self.chosen[name], self.entries[name] = part, entry
                self._say(
                    f"`{name}` was renamed to `{entry}` in cell {part.number}: it was graded "
                    "under that name."
                )
                return
        if marked:
            self.chosen.setdefault(name, marked[-1])

    def _say(self, sentence: str) -> None:
        self.mended.append(sentence)

    def _say_unmarked(self, names: list[str]) -> None:
        if names:
            listed = ", ".join(f"`{name}`" for name in names)
            self._say(
                "The marks of answer cells were lost (Colab and VS Code do this): found by "
                f"name: {listed}."
            )

    def _say_missing(self) -> None:
        missing = [f"`{name}`" for name in self.exercises if name not in self.entries]
        if missing:
            self._say(f"No cell defines {', '.join(missing)}.")

    def _say_reordered(self) -> None:
        numbers = [self.chosen[name].number for name in self.exercises if name in self.entries]
        if numbers != sorted(numbers):
            self._say("The answers stand in another order than in the lab.")


def _put_back(cells: list[Cell], setup: Sequence[str], mended: list[str]) -> list[Cell]:
    """Run the lab's own first cells first where the submission lacks them, or has them too late."""
    first = next((place for place, cell in enumerate(cells) if cell.exercise), len(cells))
    present = set().union(*(bound(cell.source) for cell in cells[:first]))
    missing = [source for source in setup if bound(source) - present]
    if missing:
        mended.append("First cells of the lab were missing or stood after the answers: put back.")
    return [Cell(0, source, None, "setup") for source in missing] + cells


def _say_other_lab(raw: list[RawCell], lab: str, mended: list[str]) -> None:
    named = {match[1] for cell in raw for match in re.finditer(r'\blab\("(\w+)"\)', cell.source)}
    if named and lab not in named:
        mended.append(f"It looks like a submission to {min(named)}, not to {lab}.")
