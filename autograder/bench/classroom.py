"""The class that is graded: 40 notebooks of one lab, the same every time.

Each is the students' notebook with all its cells. A quarter of the answers are wrong, each in one
of the ways in `mistakes`; every fifth student has everything right.
"""

from __future__ import annotations

import copy
import random
import re
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import nbformat
from nbformat import NotebookNode

from autograder.bench.mistakes import LAB, MISTAKES
from autograder.paths import Rooms

STUDENTS = 40
ALL_RIGHT_EVERY = 5
WRONG_SHARE = 0.3


@dataclass(frozen=True)
class Student:
    """A name, and exercise -> the misconception in its answer; what is not named is right."""

    name: str
    wrong: dict[str, str]


def students(count: int = STUDENTS) -> list[Student]:
    """Return the class, drawn from a fixed seed."""
    draw = random.Random(0)
    found = []
    for place in range(count):
        wrong = {
            exercise: draw.choice(sorted(ideas))
            for exercise, ideas in MISTAKES.items()
            if draw.random() < WRONG_SHARE
        }
        found.append(Student(f"s{place + 1:02}", {} if place % ALL_RIGHT_EVERY == 0 else wrong))
    return found


def hand_in(folder: Path, class_: list[Student]) -> list[Path]:
    """Write `submitted/<student>/<lab>/<lab>.ipynb` for each and return the paths."""
    released, solutions = _notebook("exercises"), _answers()
    written = []
    for student in class_:
        path = folder / "submitted" / student.name / LAB / f"{LAB}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(_filled(released, solutions, student.wrong), path)
        written.append(path)
    return written


def _filled(
    released: NotebookNode, solutions: dict[str, str], wrong: dict[str, str]
) -> NotebookNode:
    filled = copy.deepcopy(released)
    for cell in filled.cells:
        name = cell.metadata.get("glassbox", {}).get("entry")
        if name in wrong:
            body = indent(dedent(MISTAKES[name][wrong[name]]).strip("\n"), " " * 4)
            cell.source = cell.source.partition("    # YOUR CODE HERE")[0] + body
        elif name:
            cell.source = solutions[name]
    return filled


def _answers() -> dict[str, str]:
    """Return the reference answers by exercise, as cells without solution markers."""
    return {
        cell.metadata.glassbox.entry: re.sub(r"(?m)^ *### (BEGIN|END) SOLUTION\n?", "", cell.source)
        for cell in _notebook("solutions").cells
        if "glassbox" in cell.metadata
    }


def _notebook(room: str) -> NotebookNode:
    rooms = Rooms.here()
    folder = rooms.solutions if room == "solutions" else rooms.exercises
    read: Any = nbformat.read(folder / f"{LAB}.ipynb", as_version=4)
    return read
