"""The exercise table in the README, derived from the labs' specs."""

from __future__ import annotations

from pathlib import Path

from autograder.build import find_spec
from autograder.drift import Drift
from autograder.files import write_atomically
from autograder.paths import PACKAGE, Rooms

BEGIN = "<!-- exercises: written by `glassbox build` -->"
END = "<!-- /exercises -->"


def refresh(check: bool = False, path: Path = PACKAGE.parent / "README.md") -> list[Drift]:
    """Write the table between the README's two markers, and return what was not up to date."""
    text = path.read_text(encoding="utf-8")
    if BEGIN not in text or END not in text:
        return [Drift(path, f"has no place for the exercise table: {BEGIN} ... {END}")]
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    fresh = f"{before}{BEGIN}\n{table()}{END}{after}"
    if fresh == text:
        return []
    if not check:
        write_atomically(path, fresh.encode())
    return [Drift(path, "the exercise table is not up to date")]


def table() -> str:
    """Return one Markdown row per lab: its exercises, points and minutes."""
    rows = ["| lab | exercises | points | minutes |", "|---|---|---|---|"]
    for name in Rooms.here().written_labs():
        lab = find_spec(name)
        if lab is None:
            continue
        titles = ", ".join(exercise.title for exercise in lab.exercises)
        points = sum(exercise.points for exercise in lab.exercises)
        minutes = sum(exercise.minutes for exercise in lab.exercises)
        rows.append(f"| `{name}` | {titles} | {points:g} | {minutes} |")
    return "\n".join(rows) + "\n"
