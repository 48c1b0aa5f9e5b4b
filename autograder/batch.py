"""Grade a list of submissions: each gets a result, whatever its code does.

One thread per core, each with a sandbox of its own. A submission's cells run once; then its
functions are called, one case at a time, and every answer is judged here.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass

from autograder.attempt import Attempt, CaseOutcome, from_judgement, stopped
from autograder.bank import LabBank
from autograder.diagnose import judge
from autograder.recorded import Case, RecordedExercise, RecordedLab
from autograder.results import ExerciseResult, Result, exercise_result, grader_facts, now
from autograder.sandbox import Program, Sandbox, SandboxError, StudentProcess
from autograder.submissions import Found, Submission, SubmissionError, read

CELL_SECONDS = 10.0
# After one of these the same function would only do it again.
FINAL = ("timeout", "memory", "crash", "missing", "not_started", "infrastructure")


@dataclass(frozen=True)
class Papers:
    """A lab's references with the cases on which a given student is graded."""

    lab: RecordedLab
    cases: Callable[[str, RecordedExercise], tuple[Case, ...]]
    sha256: str

    @classmethod
    def hidden(cls, bank: LabBank) -> Papers:
        """Grade for credit, on the hidden bank."""
        return cls(bank.lab, bank.cases, bank.sha256)

    @classmethod
    def public(cls, lab: RecordedLab) -> Papers:
        """Practise, on the recorded public cases."""
        return cls(lab, lambda _student, exercise: exercise.cases, "public")


def grade_all(
    found: Iterable[Found],
    papers: Mapping[str, Papers],
    *,
    isolation: str | None = None,
    workers: int | None = None,
) -> Iterator[Result]:
    """Grade submissions side by side and yield each result as it is ready.

    Args:
        found: what `submissions.discover` returned.
        papers: by lab name.
        isolation: the level to run at; the best that this machine gives by default.
        workers: threads, each with a sandbox; one per core by default.

    """
    jobs = list(found)
    count = max(1, min(workers or os.cpu_count() or 1, len(jobs)))
    local = threading.local()
    with ExitStack() as sandboxes, ThreadPoolExecutor(count) as pool:
        lock = threading.Lock()

        def own_sandbox() -> Sandbox:
            if not hasattr(local, "sandbox"):
                sandbox = Sandbox(isolation)
                with lock:
                    local.sandbox = sandboxes.enter_context(sandbox)
            return local.sandbox

        def job(item: Found) -> Result:
            return grade(item, papers.get(item.lab or ""), own_sandbox)

        for future in as_completed([pool.submit(job, item) for item in jobs]):
            yield future.result()


def grade(found: Found, papers: Papers | None, sandbox: Callable[[], Sandbox]) -> Result:
    """Grade one submission; trouble of ours becomes the status `infrastructure`, never a 0."""
    if papers is None or found.problem:
        return _without_grade(found, papers, "unreadable", found.problem or "unknown lab")
    try:
        submission = read(found.path, papers.lab.name, [e.name for e in papers.lab.exercises])
    except SubmissionError as error:
        return _without_grade(found, papers, "unreadable", str(error))
    try:
        return _grade_submission(found, submission, papers, sandbox())
    except SandboxError as error:
        return _without_grade(found, papers, "infrastructure", str(error))


def _grade_submission(
    found: Found, submission: Submission, papers: Papers, sandbox: Sandbox
) -> Result:
    lab = papers.lab
    program = Program(
        cells=[cell.source for cell in submission.cells],
        withheld=lab.withheld,
        megabytes=max(exercise.megabytes for exercise in lab.exercises),
        cell_seconds=CELL_SECONDS,
    )
    with sandbox.start(program) as student:
        attempts = [
            attempt(
                student,
                exercise,
                papers.cases(found.student, exercise),
                submission.entries.get(exercise.name),
            )
            for exercise in lab.exercises
        ]
        problems = [
            f"cell {submission.cells[cell.index].index}: {cell.status}: {cell.message}"
            for cell in student.cells
            if cell.status != "ok"
        ]
    return _result(
        found,
        papers,
        [exercise_result(one) for one in attempts],
        isolation=sandbox.level,
        mended=submission.mended,
        cell_problems=problems,
    )


def attempt(
    student: StudentProcess,
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
        answer = student.call(entry, case.inputs, seconds=exercise.seconds)
        advice += answer.advice
        if answer.status == "value":
            judgement = judge(exercise, case, answer.value)
            outcomes.append(
                from_judgement(judgement, seconds=answer.seconds, peak_rss_mb=answer.peak_rss_mb)
            )
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


def _without_grade(found: Found, papers: Papers | None, status: str, problem: str) -> Result:
    exercises = [
        ExerciseResult(
            id=exercise.id,
            status=status,  # type: ignore[arg-type]
            score=0.0,
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
    isolation: str = "none",
    status: str = "graded",
    problem: str | None = None,
    mended: Iterable[str] = (),
    cell_problems: Iterable[str] = (),
) -> Result:
    lab = found.lab or "unknown"
    return Result(
        assignment=lab,
        lab=lab,
        student=found.student,
        path=str(found.path),
        submitted_at=found.submitted_at,
        graded_at=now(),
        grader=grader_facts(papers.sha256 if papers else ""),
        isolation=isolation,  # type: ignore[arg-type]
        status=status,  # type: ignore[arg-type]
        problem=problem,
        score=sum(exercise.score for exercise in exercises),
        max_score=sum(exercise.max_score for exercise in exercises),
        mended=list(mended),
        cell_problems=list(cell_problems),
        exercises=exercises,
    )
