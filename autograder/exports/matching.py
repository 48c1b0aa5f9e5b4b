"""Find the students of the results among the rows of another system's file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from autograder.exports import Outcome


@dataclass(frozen=True)
class Matches:
    """The row of each student that has exactly one; `doubtful` names those who may have several."""

    rows: dict[str, int]
    doubtful: list[str]

    def __len__(self) -> int:
        return len(self.rows) + len(self.doubtful)


def match(ids: Mapping[int, str], students: Iterable[str]) -> Matches:
    """Find students by id; capitals, and spaces around an id, do not matter.

    Args:
        ids: row -> the id that stands in it.
        students: the students to look for.

    """
    places: dict[str, list[int]] = {}
    for row, text in ids.items():
        if key := _key(text):
            places.setdefault(key, []).append(row)
    alike: dict[str, list[str]] = {}
    for student in students:
        alike.setdefault(_key(student), []).append(student)
    rows, doubtful = {}, []
    for key, names in alike.items():
        here = places.get(key, [])
        if len(here) == 1 and len(names) == 1:
            rows[names[0]] = here[0]
        elif here:
            doubtful += names
    return Matches(rows, doubtful)


def report(
    matches: Matches, students: Iterable[str], names: Mapping[int, str], outcome: Outcome
) -> None:
    """Say who is on one side only, and who is there more than once.

    Args:
        matches: what was found.
        students: the students of the results.
        names: row -> what the file calls the student there.
        outcome: where the sentences go.

    """
    for student in students:
        if student in matches.doubtful:
            outcome.notes.append(f"{student}: more than one row or result has this id; left")
        elif student not in matches.rows:
            outcome.notes.append(f"{student}: not in the file")
    taken = set(matches.rows.values())
    outcome.notes += [f"{names[row]}: no result; left" for row in names if row not in taken]


def _key(text: str) -> str:
    return text.strip().casefold()
