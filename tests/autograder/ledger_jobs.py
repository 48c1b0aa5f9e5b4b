"""Jobs and results without any code being run, for tests of what keeps them."""

from pathlib import Path

import toy

from autograder.batch import Papers, infrastructure
from autograder.jobs import Job, make_jobs
from autograder.record import record_exercise
from autograder.recorded import RecordedLab
from autograder.results import ExerciseResult, Result
from autograder.submissions import Found

EXERCISE = record_exercise(toy.SOURCE, toy.EXERCISE)
LAB = RecordedLab("toy", "A toy", "m0_foundations", "none", (), "0" * 64, (EXERCISE,))
PAPERS = Papers.public(LAB)


def job(folder: Path, student: str = "ada", text: str = "x = 1\n", papers: Papers = PAPERS) -> Job:
    """Return the job of a student who hands in this text."""
    path = folder / f"{student}.py"
    path.write_text(text)
    return make_jobs([Found(student, "toy", path)], {"toy": papers})[0]


def scored(job: Job, score: float = 2.0, isolation: str = "landlock") -> Result:
    """Return a result with this score."""
    status = "pass" if score == 2.0 else "partial"
    exercise = ExerciseResult(id="toy/row_sums", status=status, score=score, max_score=2.0)
    facts = {"isolation": isolation, "status": "graded", "problem": None}
    return failed(job).model_copy(update={**facts, "score": score, "exercises": [exercise]})


def failed(job: Job, problem: str = "no memory left") -> Result:
    """Return a result without a score."""
    return infrastructure(job.found, job.papers, problem)
