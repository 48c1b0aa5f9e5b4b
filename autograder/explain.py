"""What a student's code gives on the hidden inputs of one exercise, and what was expected.

The submission runs again as when it was graded: its cells, the exercises before this one, then
this one on the same inputs. What comes out holds numbers that no student may see.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.attempt import Attempt
from autograder.bank import open_bank, read_secret
from autograder.batch import Papers, attempt, program_of
from autograder.exports import ExportError, read_results
from autograder.recorded import (
    Case,
    RecordedExercise,
    RecordingError,
    load_lab,
    near_match,
    recorded_labs,
)
from autograder.results import Result
from autograder.sandbox import (
    Answer,
    Arguments,
    Sandbox,
    StudentProcess,
    require_levels,
    require_reached,
)
from autograder.submissions import Found, Submission, discover, read

ALL = "all"


class ExplainError(ValueError):
    """Nothing to explain: no such student or case, or a submission that is not where it was."""


@dataclass(frozen=True)
class Explanation:
    """One exercise of one submission, run again.

    Attributes:
        submission: as it was read now.
        student: whose it is.
        attempt: the verdict on each case.
        cases: the hidden cases, in the attempt's order.
        answers: what the calls gave; fewer than cases when calling was given up.
        in_full: which cases to show in full, by their place.
        level: how well the code was confined.
        graded: the result that is in the folder, if there is one.
        notes: how this differs from what was graded.

    """

    submission: Submission
    student: str
    attempt: Attempt
    cases: tuple[Case, ...]
    answers: tuple[Answer, ...]
    in_full: tuple[int, ...]
    level: str
    graded: Result | None
    notes: tuple[str, ...]


class _Listening:
    """Stands before a student's process and keeps what it answers."""

    def __init__(self, student: StudentProcess) -> None:
        self._student = student
        self.heard: list[Answer] = []

    def call(self, entry: str, inputs: Mapping[str, Any] | Arguments, **limits: Any) -> Answer:
        answer = self._student.call(entry, inputs, **limits)
        self.heard.append(answer)
        return answer


def explain(
    student: str,
    exercise: str,
    folder: Path,
    *,
    paths: Sequence[Path] = (),
    case: str | None = None,
    secret: Path | None = None,
    solutions: Path | None = None,
    isolation: str | None = None,
    min_isolation: str = "process",
) -> Explanation:
    """Run one exercise of a graded submission again.

    Args:
        student: as in the results.
        exercise: `<lab>/<name>`, or a name that only one lab has.
        folder: what `glassbox grade --out` wrote.
        paths: where the submission is now, if not where it was: its file, or a folder of many.
        case: the one to show in full, or `all`; the first that failed by default.
        secret: the file with the course secret.
        solutions: a folder with an instructor's own solutions, if they were graded with.
        isolation: the level to run at; the best one by default.
        min_isolation: the level below which nothing is run.

    Raises:
        ExplainError: no such student or case, or no submission.
        RecordingError: no such exercise.

    """
    lab, asked = find_exercise(exercise)
    require_levels(isolation, minimum=min_isolation)
    graded = _graded(folder, student, lab, needed=not paths)
    found = _look_for(paths, student, lab) if paths else _where_it_was(graded)
    submission = read(found.path, lab, [one.name for one in load_lab(lab).exercises])
    cores = os.cpu_count() or 1
    bank = open_bank(lab, read_secret(secret), solutions=solutions, workers=cores)
    papers = Papers.hidden(bank, solutions)
    cases = papers.cases(student, asked)
    _check_case(case, cases, student)
    with Sandbox(isolation) as sandbox:
        require_reached(sandbox.level, list(sandbox.reasons), minimum=min_isolation)
        tried, answers = _run(student, submission, papers, asked, sandbox)
        level = sandbox.level
    return Explanation(
        submission,
        student,
        tried,
        cases,
        answers,
        _in_full(case, tried),
        level,
        graded,
        tuple(_notes(graded, submission, papers, tried)) if graded else (),
    )


def find_exercise(text: str) -> tuple[str, RecordedExercise]:
    """Return the lab and the exercise that `<lab>/<name>`, or a name alone, means."""
    lab, _, name = text.rpartition("/")
    if lab:
        return lab, load_lab(lab).exercise(name)
    every = [(lab, one) for lab in recorded_labs() for one in load_lab(lab).exercises]
    named = [(lab, one) for lab, one in every if one.name == name]
    if len(named) == 1:
        return named[0]
    if named:
        raise RecordingError(f"say which {name}: {', '.join(one.id for _, one in named)}")
    hint = near_match(name, [one.name for _, one in every])
    raise RecordingError(f"no lab has an exercise {name!r}{hint}; `glassbox list` names them all")


def _graded(folder: Path, student: str, lab: str, *, needed: bool) -> Result | None:
    try:
        results = [one for one in read_results(folder) if one.lab == lab]
    except ExportError:
        if needed:
            raise
        return None
    for result in results:
        if result.student == student:
            return result
    if not needed:
        return None
    hint = near_match(student, [one.student for one in results])
    raise ExplainError(f"{folder} has no result of {student!r} in {lab}{hint}")


def _where_it_was(graded: Result | None) -> Found:
    assert graded is not None
    path = Path(graded.path)
    if graded.status == "unreadable" and graded.file_sha256 is None:
        raise ExplainError(f"{graded.student} was not graded: {graded.problem}")
    if path.is_symlink() or not path.is_file():
        raise ExplainError(
            f"{graded.student} handed in {graded.path}, and no such file is there now (from this "
            "folder): name the file, or the folder of all submissions, after the exercise"
        )
    return Found(graded.student, graded.lab, path)


def _look_for(paths: Sequence[Path], student: str, lab: str) -> Found:
    if len(paths) == 1 and paths[0].is_file():
        return Found(student, lab, paths[0])
    found = discover(paths, lab=lab)
    for one in found:
        if one.student == student:
            if one.problem:
                raise ExplainError(one.problem)
            return one
    hint = near_match(student, [one.student for one in found])
    raise ExplainError(f"there is no submission of {student!r} to {lab} there{hint}")


def _check_case(name: str | None, cases: Sequence[Case], student: str) -> None:
    own = [case.id for case in cases]
    if name not in (None, ALL, *own):
        raise ExplainError(f"there is no case {name!r}; {student}'s are {', '.join(own)}, or {ALL}")


def _in_full(name: str | None, tried: Attempt) -> tuple[int, ...]:
    if name is not None:
        return tuple(n for n, one in enumerate(tried.cases) if name in (one.case, ALL))
    failed = [place for place, one in enumerate(tried.cases) if not one.passed]
    return tuple((failed or [0])[:1])


def _run(
    student: str,
    submission: Submission,
    papers: Papers,
    asked: RecordedExercise,
    sandbox: Sandbox,
) -> tuple[Attempt, tuple[Answer, ...]]:
    with sandbox.start(program_of(submission, papers.lab)) as process:
        for exercise in papers.lab.exercises:
            listening = _Listening(process)
            entry = submission.entries.get(exercise.name)
            tried = attempt(listening, exercise, papers.cases(student, exercise), entry)
            if exercise.name == asked.name:
                return tried, tuple(listening.heard)
    raise AssertionError(f"{papers.lab.name} has lost {asked.name}")


def _notes(graded: Result, submission: Submission, papers: Papers, now: Attempt) -> list[str]:
    """Say what is not as it was when the result was made."""
    notes = []
    if graded.file_sha256 not in (None, submission.sha256):
        notes.append("the file has changed since it was graded")
    if graded.grader.bank_sha256 != papers.sha256:
        notes.append(
            "the hidden bank is another one than it was graded on (another secret, other "
            "solutions, or a changed lab): these are not the same inputs"
        )
    if graded.grader.references_sha256 not in (None, papers.lab.rules_sha256):
        notes.append("the lab's points, tolerances or limits have changed since it was graded")
    for old in graded.exercises:
        if old.id == now.exercise.id and old.status != now.status:
            notes.append(f"it was graded {old.status}, and is {now.status} now")
    return notes
