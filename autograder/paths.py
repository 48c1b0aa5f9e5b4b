"""Where the course's rooms are: solutions, exercises, references.

A lab's name is the key to all of them. In a clone the first two lie next to the package; in an
installed wheel they travel inside it; in a student's release there are no solutions at all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
LAB_NAME = re.compile(r"[a-z][a-z0-9_]*")


class RoomMissingError(LookupError):
    """A folder or a lab that this copy of the course does not have."""


def attacks() -> Path:
    """Return the folder of the attacks that a sandbox is tried with: a wheel's, else a clone's."""
    carried = PACKAGE / "_data" / "attacks"
    return _folder(carried if carried.is_dir() else PACKAGE.parent / "tests" / "attacks" / "tried")


@dataclass(frozen=True)
class Rooms:
    """The three folders that a lab's files live in, each as `<folder>/<lab>.<suffix>`."""

    solutions: Path
    exercises: Path
    references: Path

    @classmethod
    def here(cls) -> Rooms:
        """Return the rooms of the course that is being imported: a wheel's, else a clone's."""
        carried = PACKAGE / "_data"
        home = carried if carried.is_dir() else PACKAGE.parent
        return cls(home / "solutions", home / "exercises", PACKAGE / "references")

    @classmethod
    def at(cls, root: Path) -> Rooms:
        """Return the rooms of a clone, or of anything laid out like one, at `root`."""
        return cls(root / "solutions", root / "exercises", root / "autograder" / "references")

    def solution(self, lab: str) -> Path:
        """Return the script that `lab` is written in.

        Raises:
            RoomMissingError: this copy has no solutions, or no such lab.

        """
        return _file(self.solutions, lab, ".py")

    def exercise(self, lab: str, suffix: str = ".ipynb") -> Path:
        """Return what a student gets for `lab`: a notebook, or with `.py` a script."""
        return _file(self.exercises, lab, suffix)

    def reference(self, lab: str) -> Path:
        """Return the recorded reference of `lab`; its tensors are beside it."""
        return _file(self.references, lab, ".json")

    def written_labs(self) -> list[str]:
        """Return the names of the labs that have a source script, sorted."""
        return _stems(_folder(self.solutions), ".py")

    def recorded_labs(self) -> list[str]:
        """Return the names of the labs that have a recorded reference, sorted."""
        return _stems(_folder(self.references), ".json")


def _folder(folder: Path) -> Path:
    if folder.is_dir():
        return folder
    raise RoomMissingError(
        f"there is no folder {folder}. A release for students has no solutions and a bare package "
        "has neither solutions, exercises nor attacks: use a clone of the course or an installed "
        "glassbox-course."
    )


def _stems(folder: Path, suffix: str) -> list[str]:
    return sorted(path.stem for path in folder.glob(f"*{suffix}") if LAB_NAME.fullmatch(path.stem))


def _file(folder: Path, lab: str, suffix: str) -> Path:
    path = _folder(folder) / f"{lab}{suffix}"
    if LAB_NAME.fullmatch(lab) and path.is_file():
        return path
    known = ", ".join(_stems(folder, suffix)) or "none"
    raise RoomMissingError(f"there is no lab {lab!r} in {folder} (labs there: {known}).")
