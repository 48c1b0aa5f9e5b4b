"""Make a class of any size from the shipped one: the same submissions, handed in by others."""

from __future__ import annotations

import json
import shutil
from itertools import cycle, islice
from pathlib import Path

CLASS = Path(__file__).with_name("class")


def make_class(folder: Path, count: int) -> dict[tuple[str, str], dict[str, str]]:
    """Write `count` submissions under a new folder, in nbgrader's layout.

    Returns:
        What the grader has to find, by student and lab, as in the shipped `expected.json`.

    """
    shipped = json.loads((CLASS / "expected.json").read_text())
    kinds = [(student, lab) for student, labs in shipped.items() for lab in labs]
    expected = {}
    for place, (kind, lab) in enumerate(islice(cycle(kinds), count)):
        student = f"{kind}_{place // len(kinds):03d}"
        target = folder / "submitted" / student / lab
        shutil.copytree(CLASS / "submitted" / kind / lab, target)
        expected[student, lab] = shipped[kind][lab]
    return expected
