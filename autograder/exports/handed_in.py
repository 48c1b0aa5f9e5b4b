"""Find one student's answer to a lab among the files that a platform received.

Students rename notebooks, hand in a whole repository, or send the script that came with it as well.
"""

from __future__ import annotations

from pathlib import Path

from autograder.discover import Found, lab_named, newest
from autograder.opening import SUFFIXES
from autograder.paths import Rooms


def find(folder: Path, lab: str, labs: list[str], *, student: str, when: str | None) -> Found:
    """Return the file that answers a lab: the one called like it, or of one lab the only one."""
    files = [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix in SUFFIXES and not _hidden(path.relative_to(folder))
    ]
    mine = [path for path in files if lab_named(path, labs) == lab]
    if not mine and len(labs) == 1:
        notebooks = [path for path in files if path.suffix == ".ipynb"]
        mine = notebooks or files
        mine = mine if len(mine) == 1 else []
    if not mine:
        names = ", ".join(path.name for path in files[:10]) or "no notebook and no script"
        problem = f"hand in {lab}.ipynb (or .py) under that name; there is: {names}"
        return Found(student, lab, folder, when, problem)
    inside = folder.resolve()
    return newest(
        [Found(student, lab, path, when, _link(path, inside)) for path in mine], Rooms.here()
    )[0]


def _hidden(inside: Path) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in inside.parts)


def _link(path: Path, folder: Path) -> str | None:
    """Say what is wrong with a link: it could lead to what only the grader may read."""
    if path.is_symlink() or not path.resolve().is_relative_to(folder):
        return f"{path.name} is a link; hand in the file itself"
    return None
