"""One exercise attempted: what became of every case, and what the student is told.

The notebook, the command line and the grader all fold their cases into an `Attempt`, so that the
same answer gets the same status, misconception and words everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from autograder.diagnose import Judgement, Match, commonest
from autograder.recorded import NamedIdea, RecordedExercise
from autograder.verdict import Verdict


@dataclass(frozen=True)
class CaseOutcome:
    """One call: its status (`grading.md` lists them) and, for a returned value, its judgement."""

    case: str
    status: str
    message: str
    judgement: Judgement | None = None
    seconds: float = 0.0
    peak_rss_mb: float | None = None

    @property
    def passed(self) -> bool:
        """Whether this case counts."""
        return self.status == "pass"


@dataclass(frozen=True)
class Attempt:
    """An exercise's cases together."""

    exercise: RecordedExercise
    cases: tuple[CaseOutcome, ...]
    advice: tuple[str, ...] = field(default=())

    @property
    def score(self) -> float:
        """Points x cases passed / cases."""
        if not self.cases:
            return 0.0
        return self.exercise.points * sum(case.passed for case in self.cases) / len(self.cases)

    @property
    def status(self) -> str:
        """The first status that is not a pass, or `partial` when only some cases passed."""
        failed = [case.status for case in self.cases if not case.passed]
        if not failed:
            return "pass" if self.cases else "missing"
        if "infrastructure" in failed:
            return "infrastructure"
        return "partial" if len(failed) < len(self.cases) else failed[0]

    @property
    def match(self) -> Match | None:
        """The misconception that explains most of the failed cases, if one does."""
        return commonest([case.judgement for case in self.cases if case.judgement])

    @property
    def idea(self) -> NamedIdea | None:
        """The texts of that misconception."""
        return self.exercise.idea(self.match.misconception) if self.match else None

    @property
    def first_failure(self) -> CaseOutcome | None:
        """The case to show to the student."""
        return next((case for case in self.cases if not case.passed), None)


def from_judgement(
    judgement: Judgement, *, seconds: float = 0.0, peak_rss_mb: float | None = None
) -> CaseOutcome:
    """Return the outcome of a call that gave a value."""
    verdict = judgement.verdict
    return CaseOutcome(
        judgement.case,
        "pass" if verdict.passed else "fail",
        explained(verdict),
        judgement,
        seconds,
        peak_rss_mb,
    )


def explained(verdict: Verdict) -> str:
    """Return the verdict's message with the name of the check in front."""
    return verdict.message if verdict.passed else f"{verdict.check}: {verdict.message}"


def stopped(exercise: RecordedExercise, status: str, message: str, cases: Iterable) -> Attempt:
    """Return an attempt in which no case gave a value, for the same reason."""
    return Attempt(exercise, tuple(CaseOutcome(case.id, status, message) for case in cases))
