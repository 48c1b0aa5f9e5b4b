"""Find submissions where courses keep them: nbgrader's folders, a flat folder, an LMS download.

A path that was named and cannot be used raises; one bad submission among others is found with its
problem, so that the others are still graded.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from autograder.opening import SUFFIXES, SubmissionError, shown
from autograder.paths import Rooms
from autograder.stamps import stamp, stamp_beside, utc

# "lab (1).ipynb" and "lab-Copy1.ipynb" are what browsers and Jupyter make of a second download.
LAST_SECOND = 253402300799  # of the year 9999, the last that a date can have
MAX_NAME = 100

_COPY = re.compile(r"(?P<stem>.+?)(?:\s?\(\d+\)|-Copy\d+)?")


@dataclass(frozen=True)
class Found:
    """One submission: whose, to which lab, where, when, and why it cannot be read if it cannot.

    `older` are earlier attempts of the same student at the same lab, which are not graded.
    `assignment` is the folder's name where there is one: an assignment may hold several labs.
    """

    student: str
    lab: str | None
    path: Path
    submitted_at: str | None = None
    problem: str | None = None
    older: tuple[Path, ...] = ()
    assignment: str | None = None


def discover(
    paths: Iterable[Path | str],
    lab: str | None = None,
    pattern: str | None = None,
    *,
    known: Sequence[str] | None = None,
    rooms: Rooms | None = None,
) -> list[Found]:
    """Return the newest submission of every student to every lab, sorted by student and lab.

    Args:
        paths: files, and folders in one of three layouts: `<student>/<assignment>/<lab>.ipynb` (or
            a folder with `submitted/` in it), `<student>.ipynb` with `lab`, or any with `pattern`.
        lab: the only lab to look for; needed where file names do not say it.
        pattern: a regular expression, matched from the start of a file's path within its folder,
            with the group `student_id` and perhaps `timestamp`, `lab` or `file_id`.
        known: names of the labs that can be graded; those with a reference by default.
        rooms: where the shipped exercises lie, to tell an untouched file from an answer.

    Raises:
        SubmissionError: a path, lab or pattern that cannot be used.

    """
    rooms = rooms or Rooms.here()
    labs = list(rooms.recorded_labs() if known is None else known)
    if lab is not None and lab not in labs:
        near = difflib.get_close_matches(lab, labs, 1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        raise SubmissionError(f"there is no lab {lab!r}{hint}; the labs are {', '.join(labs)}")
    search = _Search(lab, labs)
    found: list[Found] = []
    for path in map(Path, paths):
        here = list(_downloads(path, _compiled(pattern), search) if pattern else search.at(path))
        if not here:
            raise SubmissionError(_nothing(path, lab, pattern))
        found += here
    return newest(found, rooms)


class _Search:
    """Look through files and folders for submissions to one lab, or to any that is known."""

    def __init__(self, lab: str | None, labs: Sequence[str]) -> None:
        self.lab = lab
        self.labs = labs

    def at(self, path: Path) -> Iterator[Found]:
        if path.is_dir():
            submitted = path / "submitted"
            yield from self._folder(submitted if submitted.is_dir() else path)
        elif path.exists() or path.is_symlink():
            yield self._file(path)
        else:
            raise SubmissionError(f"there is no file or folder {shown(path)}; check the path")

    def _file(self, path: Path) -> Found:
        if path.suffix not in SUFFIXES:
            raise SubmissionError(
                f"{shown(path)} is not a submission; name a .ipynb, a .py, or an unpacked folder"
            )
        path = path.absolute()
        named = self.lab_of(path)
        if named and self.lab in (None, named):
            parts = path.parts
            if "submitted" in parts[:-3] and parts[-4] == "submitted":
                return _named(Found(parts[-3], named, path, assignment=parts[-2]))
            return _named(Found(path.parent.name, named, path))
        if self.lab is None:
            raise SubmissionError(
                f"{shown(path)}: no lab is called {path.stem!r}; say which it answers with --lab "
                f"(one of {', '.join(self.labs)})"
            )
        return _named(Found(path.stem, self.lab, path))

    def _folder(self, folder: Path) -> Iterator[Found]:
        flat = [path for path in _entries(folder) if path.suffix in SUFFIXES and not path.is_dir()]
        if flat:
            yield from self._flat(folder, flat)
            return
        for student in _entries(folder):
            if student.is_symlink():
                problem = f"{shown(student)} is a link"
                yield self.found(student.name, self.lab, student, problem=problem)
            elif student.is_dir():
                try:
                    yield from list(self._student(student))
                except OSError as error:
                    problem = f"{shown(student)} cannot be read: {error.strerror}; check its rights"
                    yield self.found(student.name, self.lab, student, problem=problem)

    def _flat(self, folder: Path, files: list[Path]) -> Iterator[Found]:
        """Read `<student>.ipynb` when the lab is given, else the labs of one student."""
        if self.lab is None:
            if not any(map(self.lab_of, files)):
                raise SubmissionError(
                    f"{shown(folder)}: no file there is called like a lab; if they are called like "
                    f"students, say which lab they answer with --lab ({', '.join(self.labs)})"
                )
            yield from self._labs(folder.absolute(), files)
            return
        for path in files:
            named = self.lab_of(path)
            if named in (None, self.lab):
                yield self.found(folder.absolute().name if named else path.stem, self.lab, path)

    def _student(self, folder: Path) -> Iterator[Found]:
        """Read `<student>/<assignment>/<lab>.ipynb`, or the same without an assignment."""
        files: list[Path] = []
        for entry in _entries(folder):
            files += _entries(entry) if entry.is_dir() and not entry.is_symlink() else [entry]
        here = list(self._labs(folder, files))
        wanted = self.lab or "a lab"
        problem = f"{shown(folder)} has no notebook or script of {wanted}; ask for it"
        yield from here or [self.found(folder.name, self.lab, folder, problem=problem)]

    def _labs(self, folder: Path, files: list[Path]) -> Iterator[Found]:
        """Read the labs of one student, whose folder it is, in it or in an assignment's."""
        student = folder.name
        for path in files:
            named = self.lab_of(path)
            when = stamp_beside(path)
            if named and self.lab in (None, named):
                found = self.found(student, named, path, submitted_at=when)
                nested = path.absolute().parent != folder.absolute()
                yield replace(found, assignment=path.parent.name if nested else None)
            elif named is None and path.suffix == ".ipynb" and self.lab is None:
                problem = (
                    f"{shown(path)}: no lab is called {path.stem!r}; rename it to one of "
                    f"{', '.join(self.labs)}"
                )
                yield self.found(student, None, path, submitted_at=when, problem=problem)

    def lab_of(self, path: Path) -> str | None:
        """Return the known lab that a submission's file name says."""
        return lab_named(path, self.labs)

    def found(
        self,
        student: str,
        lab: str | None,
        path: Path,
        *,
        submitted_at: str | None = None,
        problem: str | None = None,
    ) -> Found:
        """Return a submission, with a problem if it is no plain file or its student no name."""
        if problem is None and path.is_symlink():
            problem = f"{shown(path)} is a link; hand in the file itself"
        return _named(Found(student, lab, path, submitted_at, problem))


def lab_named(path: Path, labs: Sequence[str]) -> str | None:
    """Return which of the labs a submission's file name says, also that of a second download."""
    if path.suffix not in SUFFIXES:
        return None
    match = _COPY.fullmatch(path.stem)
    stem = match["stem"] if match else path.stem
    return stem if stem in labs else None


def _named(found: Found) -> Found:
    """Return a submission whose student can be named; one made up is nobody else's."""
    name = found.student
    if name and len(name) <= MAX_NAME and name.isprintable() and not set(name) & {*"/\\"}:
        return found
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    mended = re.sub(r"[^\w.@+-]", "_", name)[: MAX_NAME - 9]
    problem = f"{shown(found.path)}: {name!r} cannot be a student's name; rename it"
    return replace(found, student=f"{mended}-{digest}", problem=problem)


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise SubmissionError(f"--pattern {pattern!r} is no regular expression: {error}") from None
    if "student_id" not in compiled.groupindex:
        raise SubmissionError(
            f"--pattern {pattern!r} has no group student_id; write the part that names the student "
            "as (?P<student_id>...)"
        )
    return compiled


def _downloads(folder: Path, pattern: re.Pattern[str], search: _Search) -> Iterator[Found]:
    """Read the files of an LMS download whose names the pattern takes apart."""
    if not folder.is_dir():
        raise SubmissionError(f"{shown(folder)} is not a folder; unpack the download and name that")
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if path.suffix not in SUFFIXES or any(_hidden(part) for part in inside.parts):
            continue
        match = pattern.match(inside.as_posix()) or pattern.match(path.name)
        groups = {key: value for key, value in match.groupdict().items() if value} if match else {}
        if "student_id" in groups:
            yield from _download(path, groups, search)
        elif path.suffix == ".ipynb":
            problem = f"{shown(path)} does not match --pattern; rename it, or widen the pattern"
            yield search.found(path.stem, search.lab, path, problem=problem)


def _download(path: Path, groups: dict[str, str], search: _Search) -> Iterator[Found]:
    named = [groups.get("lab"), groups.get("file_id"), search.lab_of(path)]
    lab = next((Path(name).stem for name in named if name and Path(name).stem in search.labs), None)
    if search.lab and lab and lab != search.lab:
        return
    lab = lab or search.lab
    problem = None
    if lab is None:
        problem = f"{shown(path)}: its name says no lab; give --lab, or a group lab in --pattern"
    when = stamp(groups.get("timestamp", ""))
    yield search.found(groups["student_id"], lab, path, submitted_at=when, problem=problem)


def newest(found: list[Found], rooms: Rooms) -> list[Found]:
    """Keep the newest of several attempts; an untouched file never wins over another."""
    attempts: dict[tuple[str, str | None, Path | None], list[Found]] = {}
    for one in found:
        alone = one.path if one.lab is None else None
        attempts.setdefault((one.student, one.lab, alone), []).append(one)
    kept = []
    for same in attempts.values():
        unique = list({one.path.absolute(): one for one in same}.values())
        unique.sort(key=lambda one: _recency(one, rooms), reverse=True)
        kept.append(replace(unique[0], older=tuple(one.path for one in unique[1:])))
    return sorted(kept, key=lambda one: (one.student, one.lab or "", str(one.path)))


def _recency(one: Found, rooms: Rooms) -> tuple:
    """Return what attempts are sorted by: what can be graded first, then what was worked on."""
    changed = date(one.path.lstat().st_mtime)
    notebook = one.path.suffix == ".ipynb"
    worth = one.problem is None, not _untouched(one, rooms)
    return *worth, one.submitted_at or changed, changed, notebook, one.path.name


def date(seconds: float) -> str:
    """Return a file's time as text; file systems keep times that are no dates."""
    return utc(datetime.fromtimestamp(min(max(seconds, 0), LAST_SECOND), UTC))


def _untouched(one: Found, rooms: Rooms) -> bool:
    """Tell whether a submission is the shipped file, byte by byte."""
    shipped = rooms.exercises / f"{one.lab}{one.path.suffix}"
    try:
        same_size = one.path.lstat().st_size == shipped.stat().st_size
        return same_size and one.path.is_file() and one.path.read_bytes() == shipped.read_bytes()
    except OSError:
        return False


def _nothing(path: Path, lab: str | None, pattern: str | None) -> str:
    wanted = f" of {lab}" if lab else ""
    how = f" that --pattern {pattern!r} matches" if pattern else ""
    return (
        f"{shown(path)} has no submissions{wanted}{how}; expected "
        "<student>/<assignment>/<lab>.ipynb, or <student>.ipynb with --lab, "
        "or an unpacked download with --pattern"
    )


def _entries(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not _hidden(path.name))


def _hidden(name: str) -> bool:
    """Tell what editors and archives leave behind: `.ipynb_checkpoints`, `__MACOSX`, `._x`."""
    return name.startswith(".") or name in ("__MACOSX", "__pycache__")
