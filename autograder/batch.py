"""Grade submissions: each gets a result, whatever its code does.

A submission's cells run once; then its functions are called, one case at a time, and every answer
is judged here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from autograder.attempt import Attempt, CaseOutcome, from_judgement, stopped
from autograder.bank import LabBank
from autograder.diagnose import judge
from autograder.recorded import Case, RecordedExercise, RecordedLab
from autograder.results import (
    ExerciseResult,
    Result,
    exercise_result,
    first_lines,
    grader_facts,
    now,
    shown,
)
from autograder.sandbox import Answer, Arguments, Program, Sandbox, SandboxError
from autograder.sandboxes import Sandboxes
from autograder.similar import mark_equal_code, own_digests
from autograder.submissions import Found, Submission, SubmissionError, read

CELL_SECONDS = 5.0
ALL_CELLS_SECONDS = 120.0
SEED = 0
# What a score depends on beside the submission, the bank and the references.
LIMITS = {"cell": CELL_SECONDS, "all cells": ALL_CELLS_SECONDS, "seed": SEED}
# After one of these the same function would only do it again.
FINAL = ("timeout", "memory", "crash", "missing", "not_started", "infrastructure")


@dataclass(frozen=True)
class Papers:
    """A lab's references with the cases on which a given student is graded.

    `ours` are the digests of the code of known solutions, by exercise.
    """

    lab: RecordedLab
    cases: Callable[[str, RecordedExercise], tuple[Case, ...]]
    sha256: str
    ours: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def hidden(cls, bank: LabBank, solutions: Path | None = None) -> Papers:
        """Grade for credit, on the hidden bank; `solutions` as it was opened with."""
        return cls(bank.lab, bank.cases, bank.sha256, own_digests(bank.lab.name, solutions))

    @classmethod
    def public(cls, lab: RecordedLab) -> Papers:
        """Practise, on the recorded public cases."""
        return cls(lab, lambda _student, exercise: exercise.cases, "public")


def grade_all(
    found: Iterable[Found], papers: Mapping[str, Papers], sandboxes: Sandboxes
) -> Iterator[Result]:
    """Grade submissions side by side and yield each result as it is ready.

    Args:
        found: what `submissions.discover` returned.
        papers: by lab name.
        sandboxes: as many as are to be graded at once.

    """

    def job(item: Found) -> Result:
        with sandboxes.lent() as sandbox:
            return grade(item, papers.get(item.lab or ""), sandbox)

    with ThreadPoolExecutor(sandboxes.count) as pool:
        for future in as_completed([pool.submit(job, item) for item in found]):
            yield future.result()


def grade(
    found: Found, papers: Papers | None, sandbox: Sandbox, *, sha256: str | None = None
) -> Result:
    """Grade one submission; trouble of ours becomes the status `infrastructure`, never a 0.

    Args:
        found: the submission.
        papers: its lab's, or None when no lab is known.
        sandbox: where its code runs.
        sha256: what the file must hold to be graded; None for whatever it holds.

    """
    started = time.monotonic()
    result = _graded(found, papers, sandbox, sha256)
    result.wall_s = round(time.monotonic() - started, 4)
    result.file_sha256 = result.file_sha256 or sha256
    return result


def _graded(found: Found, papers: Papers | None, sandbox: Sandbox, sha256: str | None) -> Result:
    if papers is None or found.problem:
        return unreadable(found, papers)
    try:
        submission = read(found.path, papers.lab.name, [e.name for e in papers.lab.exercises])
    except SubmissionError as error:
        return _without_grade(found, papers, "unreadable", str(error))
    except Exception as error:  # whatever a file can hold, it is the file that cannot be read
        return _without_grade(found, papers, "unreadable", f"{found.path.name}: {error!r}"[:300])
    if sha256 not in (None, submission.sha256):
        changed = f"{found.path.name} has changed since it was found: grade again"
        return infrastructure(found, papers, changed)
    try:
        return _grade_submission(found, submission, papers, sandbox)
    except SandboxError as error:
        return infrastructure(found, papers, str(error))
    except Exception as error:  # a fault of ours costs one grade, not the class
        fault = f"the grader failed: {type(error).__name__}: {error}"
        return infrastructure(found, papers, fault)


def unreadable(found: Found, papers: Papers | None) -> Result:
    """Return the result of what was found to be no submission that could be graded."""
    return _without_grade(found, papers, "unreadable", found.problem or "unknown lab")


def infrastructure(found: Found, papers: Papers | None, problem: str) -> Result:
    """Return a result without scores, for a reason that is not the student's."""
    return _without_grade(found, papers, "infrastructure", problem)


def _grade_submission(
    found: Found, submission: Submission, papers: Papers, sandbox: Sandbox
) -> Result:
    attempts, problems = attempt_lab(found.student, submission, papers, sandbox)
    exercises = [exercise_result(one) for one in attempts]
    mark_equal_code(exercises, submission, papers.ours)
    return _result(
        found,
        papers,
        exercises,
        file_sha256=submission.sha256,
        isolation=sandbox.level,
        mended=submission.mended,
        cell_problems=problems,
    )


def attempt_lab(
    who: str, submission: Submission, papers: Papers, sandbox: Sandbox
) -> tuple[list[Attempt], list[str]]:
    """Run a submission's cells, then try every exercise; return the attempts and what cells did.

    The course's own demonstrations are left out, unless it turns out that a name is missing.
    """
    needed = replace(submission, cells=[one for one in submission.cells if not one.demonstration])
    attempts, problems = _attempt_with(needed, who, papers, sandbox)
    if len(needed.cells) < len(submission.cells) and _name_is_missing(attempts, problems):
        return _attempt_with(submission, who, papers, sandbox)
    return attempts, problems


def _name_is_missing(attempts: list[Attempt], problems: list[str]) -> bool:
    said = [outcome.message for one in attempts for outcome in one.cases]
    return any("NameError" in message for message in said + problems)


def _attempt_with(
    submission: Submission, who: str, papers: Papers, sandbox: Sandbox
) -> tuple[list[Attempt], list[str]]:
    lab = papers.lab
    with sandbox.start(program_of(submission, lab)) as student:
        attempts = [
            attempt(
                student,
                exercise,
                papers.cases(who, exercise),
                submission.entries.get(exercise.name),
            )
            for exercise in lab.exercises
        ]
        problems = [
            f"cell {submission.cells[cell.index].index}: {cell.status}: {cell.message}"
            for cell in student.cells
            if cell.status != "ok"
        ]
    return attempts, problems


def program_of(submission: Submission, lab: RecordedLab) -> Program:
    """Return what is run of a submission, within the lab's limits."""
    return Program(
        cells=[cell.source for cell in submission.cells],
        withheld=lab.withheld,
        megabytes=max(exercise.megabytes for exercise in lab.exercises),
        cell_seconds=CELL_SECONDS,
        total_seconds=ALL_CELLS_SECONDS,
    )


class Answering(Protocol):
    """What calls go to: a student's process, or what stands before one."""

    def call(
        self,
        entry: str,
        inputs: Mapping[str, Any] | Arguments,
        *,
        seconds: float,
        megabytes: int | None,
        seed: int,
    ) -> Answer:
        """Call a function of the submission."""
        ...


def attempt(
    student: Answering,
    exercise: RecordedExercise,
    cases: tuple[Case, ...],
    entry: str | None,
) -> Attempt:
    """Call one exercise's function on its cases and judge what comes back."""
    if entry is None:
        message = f"no function {exercise.name} was found in the submission"
        return stopped(exercise, "missing", message, cases)
    outcomes: list[CaseOutcome] = []
    advice: list[str] = []
    for place, case in enumerate(cases):
        answer = student.call(
            entry,
            arguments(case),
            seconds=exercise.seconds,
            megabytes=exercise.megabytes,
            seed=SEED,
        )
        advice += answer.advice
        if answer.status == "value":
            outcomes.append(_judged(exercise, case, answer))
            continue
        outcomes.append(
            CaseOutcome(
                case.id,
                answer.status,
                answer.message,
                seconds=answer.seconds,
                peak_rss_mb=answer.peak_rss_mb,
            )
        )
        if answer.status in FINAL:
            rest = cases[place + 1 :]
            outcomes += [CaseOutcome(one.id, answer.status, answer.message) for one in rest]
            break
    return Attempt(exercise, tuple(outcomes), tuple(dict.fromkeys(advice)))


@lru_cache(maxsize=1024)
def arguments(case: Case) -> Arguments:
    """Return a case's arguments in the form in which they are sent, once for all students."""
    return Arguments.of(case.packed)


def _judged(exercise: RecordedExercise, case: Case, answer: Answer) -> CaseOutcome:
    """Judge a value; one that breaks the comparison costs its own case and nothing else."""
    try:
        judgement = judge(exercise, case, answer.value)
    except (ArithmeticError, MemoryError, RuntimeError, TypeError, ValueError) as error:
        message = f"this value cannot be compared: {type(error).__name__}"
        return CaseOutcome(case.id, "invalid_output", message)
    return from_judgement(judgement, seconds=answer.seconds, peak_rss_mb=answer.peak_rss_mb)


def _without_grade(found: Found, papers: Papers | None, status: str, problem: str) -> Result:
    exercises = [
        ExerciseResult(
            id=exercise.id,
            status=status,  # type: ignore[arg-type]
            score=None if status == "infrastructure" else 0.0,
            max_score=exercise.points,
        )
        for exercise in (papers.lab.exercises if papers else ())
    ]
    return _result(found, papers, exercises, status=status, problem=problem)


def _result(
    found: Found,
    papers: Papers | None,
    exercises: list[ExerciseResult],
    *,
    file_sha256: str | None = None,
    isolation: str = "none",
    status: str = "graded",
    problem: str | None = None,
    mended: Iterable[str] = (),
    cell_problems: Iterable[str] = (),
) -> Result:
    lab = found.lab or "unknown"
    return Result(
        assignment=shown(found.assignment or lab),
        lab=lab,
        student=shown(found.student),
        path=shown(str(found.path)),
        file_sha256=file_sha256,
        submitted_at=found.submitted_at,
        graded_at=now(),
        grader=grader_facts(papers.sha256, papers.lab.rules_sha256) if papers else grader_facts(""),
        isolation=isolation,  # type: ignore[arg-type]
        status=status,  # type: ignore[arg-type]
        problem=shown(problem) if problem else None,
        score=_total(exercises),
        max_score=sum(exercise.max_score for exercise in exercises),
        mended=first_lines(mended),
        cell_problems=first_lines(cell_problems),
        exercises=exercises,
    )


def _total(exercises: list[ExerciseResult]) -> float | None:
    """Return the sum of the scores, or None while one of them is open."""
    scores = [exercise.score for exercise in exercises]
    return None if None in scores else sum(score for score in scores if score is not None)
