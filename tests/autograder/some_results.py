"""Results made by hand, for tests of what derives from them."""

from autograder.attempt import Attempt, CaseOutcome
from autograder.results import CaseResult, ExerciseResult, Grader, Result

SECRET_WORDS = "expected 0.123456 at [0, 3]"
GRADER = Grader(version="0.1.0", bank_sha256="ab" * 32, torch="2", numpy="2", platform="Linux")


def exercise(name="induction_score", statuses=("pass",), points=2.0, **more):
    """Return an exercise with a case per status; messages hold what a student must not see."""
    cases = [
        CaseResult(
            id=f"hidden-{place}",
            passed=status == "pass",
            status=status,
            failed_check="values" if status == "fail" else None,
            message="" if status == "pass" else SECRET_WORDS,
        )
        for place, status in enumerate(statuses, 1)
    ]
    folded = Attempt(None, tuple(CaseOutcome(one.id, one.status, "") for one in cases))
    passed = sum(one.passed for one in cases)
    facts = {
        "id": f"m3_induction/{name}",
        "status": folded.status,
        "score": points * passed / len(cases) if cases else 0.0,
        "max_score": points,
        "time_s": 0.25,
        "cases": cases,
    }
    return ExerciseResult(**{**facts, **more})


def without_grade(status, score):
    """Return an exercise that no case was tried of."""
    return exercise(statuses=(), status=status, score=score)


def result(*exercises, student="ada", **more):
    """Return one student's result."""
    scores = [one.score for one in exercises]
    facts = {
        "assignment": "m3_induction",
        "lab": "m3_induction",
        "student": student,
        "path": "/home/teacher/submitted/ada/m3_induction.ipynb",
        "graded_at": "2026-06-01T14:33:11Z",
        "grader": GRADER,
        "isolation": "landlock",
        "score": None if None in scores else sum(scores),
        "max_score": sum(one.max_score for one in exercises),
        "exercises": list(exercises),
    }
    return Result(**{**facts, **more})
