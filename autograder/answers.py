"""Decide which cell of a submission answers which exercise, and which only repeat an answer.

By nbgrader's grade id, then by the exercise's mark (ours, or a script's), then by function name.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from autograder.names import Code


@dataclass(frozen=True, eq=False)
class Part:
    """A code cell of a submission with its place in the file and the exercise it is marked for.

    `source` is what the student wrote and what will run, `code` what it says as plain Python.
    """

    number: int
    source: str
    code: Code
    metadata: dict[str, Any]
    marked: str | None


def grade_id(metadata: dict[str, Any]) -> str:
    """Return the grade id that nbgrader gave a cell, or an empty text."""
    nbgrader = metadata.get("nbgrader")
    found = nbgrader.get("grade_id") if isinstance(nbgrader, dict) else None
    return found if isinstance(found, str) else ""


def marked_exercise(metadata: dict[str, Any], lab: str, exercises: Sequence[str]) -> str | None:
    """Return the exercise that a cell's metadata says it answers: by grade id, then by mark."""
    glassbox = metadata.get("glassbox")
    mark = glassbox.get("exercise") if isinstance(glassbox, dict) else None
    for name in exercises:
        if grade_id(metadata) == f"{lab}-{name}":
            return name
    for name in exercises:
        if mark == f"{lab}/{name}" or metadata.get("exercise") == name:
            return name
    return None


class Answers:
    """What was found among the cells of one submission.

    Attributes:
        entries: exercise -> the name under which its function is found once the cells have run.
        chosen: exercise -> the cell that answers it.
        dropped: cells that do nothing but define again what another cell answers.
        mended: plain sentences about what was put right.

    """

    def __init__(self, parts: Iterable[Part], exercises: Sequence[str]) -> None:
        self.parts = list(parts)
        self.exercises = exercises
        self.entries: dict[str, str] = {}
        self.chosen: dict[str, Part] = {}
        self.dropped: set[Part] = set()
        self.mended: list[str] = []
        for name in exercises:
            self._choose(name)
        self._sum_up()

    def _choose(self, name: str) -> None:
        """Choose the last finished definition, one in a marked cell before any other."""
        marked = [part for part in self.parts if part.marked == name]
        defining = [part for part in self.parts if name in part.code.defined]
        pool = [part for part in marked if part in defining]
        if all(part.code.unfinished(name) for part in pool):
            pool = defining  # an untouched stub does not stand in the way of an answer elsewhere
        if not pool:
            self._use_another_function(name, marked)
            return
        best = ([part for part in pool if not part.code.unfinished(name)] or pool)[-1]
        self.chosen[name], self.entries[name] = best, name
        others = [part for part in defining if part is not best]
        # Cells run in order and the last definition stays, so what only repeats must not run.
        self.dropped |= {part for part in others if part.code.only_defines(name)}
        if others:
            numbers = ", ".join(str(part.number) for part in others)
            self.mended.append(
                f"`{name}` is defined more than once (also in {numbers}): cell {best.number} was "
                "graded."
            )
        if marked and best.marked != name:
            self.mended.append(
                f"`{name}` was found in cell {best.number}, not in the cell meant for it."
            )

    def _use_another_function(self, name: str, marked: list[Part]) -> None:
        """Take a renamed function from the cell that is marked for this exercise."""
        for part in reversed(marked):
            made = [other for other in part.code.functions if other not in self.exercises]
            if made:
                entry = (difflib.get_close_matches(name, made, n=1, cutoff=0) or made)[-1]
                self.chosen[name], self.entries[name] = part, entry
                self.mended.append(
                    f"`{name}` was renamed to `{entry}` in cell {part.number}: it was graded under "
                    "that name."
                )
                return
        if marked:
            self.chosen[name] = marked[-1]

    def _sum_up(self) -> None:
        marked = {part.marked for part in self.parts}
        found = [name for name in self.exercises if name in self.entries]
        if lost := [name for name in found if name not in marked]:
            self.mended.append(
                "The marks of answer cells were lost (Colab and VS Code do this): found by name: "
                f"{_listed(lost)}."
            )
        if missing := [name for name in self.exercises if name not in self.entries]:
            self.mended.append(f"No cell defines {_listed(missing)}.")
        numbers = [self.chosen[name].number for name in found]
        if numbers != sorted(numbers):
            self.mended.append("The answers stand in another order than in the lab.")


def _listed(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
