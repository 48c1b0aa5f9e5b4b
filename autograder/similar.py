"""Answers that are the same code once names, comments and layout are taken away.

What is compared is the answering function with all that it uses of the submission. Equal code is a
question to ask and no proof: a short answer has few ways to be written, and honest people meet on
it. `LEAST_SIZE` is a guess at where that ends: of the shipped answers, of 23 to 151 words, the five
below it are one or two obvious statements. No other right answer that the tests hold equals a
shipped one, or another.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from autograder.names import code_of
from autograder.opening import percent_cells
from autograder.paths import RoomMissingError, Rooms
from autograder.renaming import words
from autograder.results import ExerciseResult
from autograder.submissions import Submission

LEAST_SIZE = 40
MAX_SIZE = 20_000  # no answer is as long, and hostile code is not read to its end


@dataclass(frozen=True)
class Fingerprint:
    """The digest of an answer's normal form, and how many words that is: names, numbers, calls."""

    sha256: str
    size: int


class Definitions:
    """What cells define: top-level statements by the names that they bind, and imported names."""

    def __init__(self, sources: Iterable[str]) -> None:
        """Read cells in the order in which they run; what is no Python defines nothing."""
        self._statements: dict[str, ast.stmt] = {}
        self._imports: dict[str, str] = {}
        for source in sources:
            code = code_of(source)
            self._statements.update(code.statements)
            self._imports.update(code.imports)

    def normal_form(self, entry: str) -> list[str] | None:
        """Return the words of the function `entry` and all it uses; None if it cannot be read."""
        names: dict[str, str] = {}
        waiting = [entry]

        def meaning(name: str) -> str:
            if name in self._statements and name not in names:
                names[name] = f"helper_{len(names)}"
                waiting.append(name)
            return names.get(name) or self._imports.get(name, name)

        meaning(entry)
        written: dict[int, list[str]] = {}
        try:
            for name in waiting:  # grows on the way
                statement = self._statements[name]
                if id(statement) not in written:
                    written[id(statement)] = []
                    written[id(statement)] = words(statement, meaning)
                if sum(map(len, written.values())) > MAX_SIZE:
                    return None
        except (KeyError, RecursionError, ValueError):
            return None  # nothing has this name; nesting or numbers that only the hostile write
        return [word for part in written.values() for word in part]

    def fingerprint(self, entry: str) -> Fingerprint | None:
        """Return the fingerprint of the function `entry`, or None when it cannot be read."""
        form = self.normal_form(entry)
        if form is None:
            return None
        digest = hashlib.sha256("\n".join(form).encode("utf-8", "backslashreplace")).hexdigest()
        return Fingerprint(digest, sum(word not in "[]" for word in form))


@lru_cache(maxsize=64)
def own_digests(lab: str, solutions: Path | None = None) -> Mapping[str, tuple[str, ...]]:
    """Return the digests of a lab's own answers by exercise; none where there are no solutions.

    Args:
        lab: its name.
        solutions: a folder with an instructor's own solutions, which count beside the shipped ones.

    """
    found: dict[str, tuple[str, ...]] = {}
    rooms = Rooms.here()
    for folder in filter(None, (rooms.solutions, solutions)):
        try:
            text = replace(rooms, solutions=folder).solution(lab).read_text(encoding="utf-8")
        except (RoomMissingError, OSError):
            continue
        cells = percent_cells(text) or []
        definitions = Definitions(cell.source for cell in cells)
        for name in filter(None, (cell.metadata.get("exercise") for cell in cells)):
            if print_ := definitions.fingerprint(name):
                found[name] = (*found.get(name, ()), print_.sha256)
    return found


def mark_equal_code(
    results: Iterable[ExerciseResult],
    submission: Submission,
    ours: Mapping[str, Collection[str]],
) -> None:
    """Put into each result the fingerprint of the code that answered, and whether it is ours.

    Args:
        results: of one submission; an exercise that was not started keeps no fingerprint.
        submission: as it was run.
        ours: what `own_digests` returned.

    """
    definitions = Definitions(cell.source for cell in submission.cells)
    for result in results:
        name = result.id.partition("/")[2]
        entry = submission.entries.get(name)
        if entry is None or result.status == "not_started":
            continue
        if found := definitions.fingerprint(entry):
            result.code_sha256, result.code_size = found.sha256, found.size
            result.equals_solution = found.sha256 in ours.get(name, ())
