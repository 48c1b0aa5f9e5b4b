"""The canonical result of one submission; every table, export and report derives from it.

This is the instructor's copy: a case's `message` may hold numbers of the hidden inputs. What goes
to a student is `failed_check`, `misconception` and `hint`.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

import numpy
import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from autograder.attempt import Attempt, CaseOutcome

Status = Literal[
    "pass",
    "partial",
    "fail",
    "not_started",
    "error",
    "timeout",
    "memory",
    "crash",
    "missing",
    "invalid_output",
    "unreadable",
    "infrastructure",
]
Isolation = Literal["namespaces", "landlock", "process", "none"]
SCHEMA = "glassbox/result/v1"
MAX_LINES, MAX_LINE = 20, 300


class ResultError(ValueError):
    """A file that cannot be read as a result."""


class Strict(BaseModel):
    """A part of the result: unknown fields are errors, written names are the schema's."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class CaseResult(Strict):
    """One call on one set of inputs."""

    id: str
    passed: bool
    status: Status
    failed_check: str | None = None
    misconception: str | None = None
    match: str | None = None
    message: str = ""


class ExerciseResult(Strict):
    """One exercise: its status, score and, when an idea went wrong that we know, its name.

    The score is None while there is no grade, for a reason that is not the student's. `code_sha256`
    and `code_size` are of the answer's normal form (`autograder.similar`); `equals_solution` says
    that it is a shipped solution's, or that of the solutions that were graded with.
    """

    id: str
    status: Status
    score: float | None
    max_score: float
    misconception: str | None = None
    explanation: str | None = None
    hint: str | None = None
    time_s: float = 0.0
    peak_rss_mb: float | None = None
    code_sha256: str | None = None
    code_size: int | None = None
    equals_solution: bool = False
    advice: list[str] = Field(default_factory=list)
    cases: list[CaseResult] = Field(default_factory=list)


class Grader(Strict):
    """What graded: the versions that a score depends on."""

    version: str
    bank_sha256: str
    references_sha256: str | None = None
    torch: str
    numpy: str
    platform: str


class Result(Strict):
    """One student's submission to one lab, graded."""

    schema_: Literal["glassbox/result/v1"] = Field(default=SCHEMA, alias="schema")
    assignment: str
    lab: str
    student: str
    path: str
    file_sha256: str | None = None
    submitted_at: str | None = None
    graded_at: str
    wall_s: float | None = None
    grader: Grader
    isolation: Isolation
    status: Literal["graded", "unreadable", "infrastructure"] = "graded"
    problem: str | None = None
    score: float | None
    max_score: float
    mended: list[str] = Field(default_factory=list)
    cell_problems: list[str] = Field(default_factory=list)
    exercises: list[ExerciseResult]

    def to_json(self) -> str:
        """Return the result as JSON text."""
        return self.model_dump_json(by_alias=True, indent=1) + "\n"


def exercise_result(attempt: Attempt) -> ExerciseResult:
    """Return an attempt in the canonical form."""
    peaks = [case.peak_rss_mb for case in attempt.cases if case.peak_rss_mb is not None]
    idea = attempt.idea
    return ExerciseResult(
        id=attempt.exercise.id,
        status=attempt.status,  # type: ignore[arg-type]
        score=attempt.score,
        max_score=attempt.exercise.points,
        misconception=idea.id if idea else None,
        explanation=idea.text if idea else None,
        hint=idea.hint if idea else None,
        time_s=round(sum(case.seconds for case in attempt.cases), 4),
        peak_rss_mb=max(peaks, default=None),
        advice=list(attempt.advice),
        cases=[_case_result(case) for case in attempt.cases],
    )


def _case_result(outcome: CaseOutcome) -> CaseResult:
    judgement = outcome.judgement
    match = judgement.matches[0] if judgement and judgement.matches else None
    failed = judgement and not judgement.verdict.passed
    return CaseResult(
        id=outcome.case,
        passed=outcome.passed,
        status=outcome.status,  # type: ignore[arg-type]
        failed_check=judgement.verdict.check if judgement and failed else None,
        misconception=match.misconception if match else None,
        match=match.how if match else None,
        message="" if outcome.passed else shown(outcome.message),
    )


def grader_facts(bank_sha256: str, references_sha256: str | None = None) -> Grader:
    """Return the versions on this machine, with those of the bank and the references."""
    return Grader(
        version=own_version(),
        bank_sha256=bank_sha256,
        references_sha256=references_sha256,
        torch=str(torch.__version__),
        numpy=numpy.__version__,
        platform=platform.platform(),
    )


def own_version() -> str:
    """Return the version of this package."""
    try:
        return version("glassbox-course")
    except PackageNotFoundError:
        return "unknown"


def shown(text: str) -> str:
    """Return text that any file can hold: bytes that are no UTF-8 become escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def first_lines(lines: Iterable[str]) -> list[str]:
    """Return the first lines, each cut: a submission cannot flood a report."""
    every = list(lines)
    kept = [shown(line if len(line) <= MAX_LINE else f"{line[:MAX_LINE]}...") for line in every]
    more = len(every) - MAX_LINES
    return kept[:MAX_LINES] + ([f"and {more} more"] if more > 0 else [])


def now() -> str:
    """Return the time in UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_result(path: Path) -> Result:
    """Read a result file.

    Raises:
        ResultError: it is no result, one of another version, or one that breaks its schema.

    """
    try:
        written = json.loads(path.read_bytes())
    except ValueError:
        raise ResultError(f"{path} is not JSON; grade that submission again") from None
    found = written.get("schema") if isinstance(written, dict) else None
    if found != SCHEMA:
        what = f"has the schema {found!r}" if found else "says no schema"
        raise ResultError(
            f"{path} {what}, and this Glassbox reads {SCHEMA!r}; "
            "use the version that wrote it, or grade again"
        )
    try:
        return Result.model_validate(written)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ResultError(f"{path} breaks {SCHEMA}: {where}: {first['msg']}") from None
