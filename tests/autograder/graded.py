"""Results made by hand, for whatever is derived from results."""

from autograder.gradesheet import write_result
from autograder.results import CaseResult, ExerciseResult, Grader, Result

# Numbers as the instructor's copy holds them; none of these may reach a student.
SECRET = "largest difference 0.8172635 at [3, 1]"
ADVICE = "your input held 0.8172635"
GRADER = Grader(version="0.1.0", bank_sha256="0" * 64, torch="2", numpy="2", platform="any")


def exercise(name, status, points=2.0, passed=None, cases=4):
    """Return an exercise of which a share of the cases passed; a failed one has a misconception."""
    passed = {"pass": cases}.get(status, 0) if passed is None else passed
    open_score = status == "infrastructure"
    wrong = status in ("fail", "partial")
    return ExerciseResult(
        id=name,
        status=status,
        score=None if open_score else points * passed / cases,
        max_score=points,
        misconception="first_sequence_only" if wrong else None,
        explanation="uses the first sequence of the batch only" if wrong else None,
        hint="Change the second sequence: does `your` answer change?" if wrong else None,
        advice=[ADVICE] if wrong else [],
        cases=[
            CaseResult(
                id=f"hidden-{place}",
                passed=place < passed,
                status="pass" if place < passed else ("fail" if wrong else status),
                failed_check="values" if wrong and place >= passed else None,
                message="" if place < passed else SECRET,
            )
            for place in range(cases)
        ],
    )


def graded(student, statuses, *, lab="toy", names=None, points=None, **fields):
    """Return a student's result: `statuses` of the exercises in order, or one for them all."""
    names = names or [f"exercise_{place}" for place in range(len(statuses))]
    if isinstance(statuses, str):
        statuses = [statuses] * len(names)
    worth = points or [2.0] * len(names)
    exercises = [
        exercise(f"{lab}/{name}", status, value)
        for name, status, value in zip(names, statuses, worth, strict=True)
    ]
    scores = [one.score for one in exercises]
    total = None if None in scores else sum(scores)
    whole = {"assignment": lab, "lab": lab, "path": f"{student}/{lab}.ipynb", "score": total}
    return Result(
        student=student,
        graded_at="2026-03-01T12:00:00Z",
        grader=GRADER,
        isolation="namespaces",
        max_score=sum(worth),
        exercises=exercises,
        **{**whole, **fields},
    )


def write_class(results, folder):
    """Write results as `glassbox grade --out` does and return the folder."""
    for one in results:
        write_result(one, folder / "results")
    return folder
