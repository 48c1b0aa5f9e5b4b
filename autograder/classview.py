"""What the report says about a class, counted from its results; nothing here knows of HTML."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from statistics import mean, median

from autograder.gradesheet import in_order
from autograder.overlap import Overlap, equal_to_each_other, equal_to_ours
from autograder.results import ExerciseResult, Result

BINS = 10
IDLE = ("not_started", "missing")


@dataclass(frozen=True)
class Idea:
    """A misconception of one exercise and the students who have it."""

    exercise: str
    id: str
    text: str
    hint: str
    students: list[str]


@dataclass(frozen=True)
class ExerciseView:
    """How a class did on one exercise; `graded` counts submissions, those not started included."""

    name: str
    points: float
    graded: int
    passed: int
    partial: int
    idle: int
    share: float
    seconds: float

    @property
    def wrong(self) -> int:
        """How many tried and passed no case."""
        return self.graded - self.passed - self.partial - self.idle

    @property
    def flag(self) -> str:
        """What to look at: an exercise that does not tell students apart."""
        if self.graded < 2:
            return ""
        if self.idle == self.graded:
            return "nobody started"
        return {0: "nobody passes", self.graded: "everybody passes"}.get(self.passed, "")


@dataclass(frozen=True)
class LabView:
    """One lab's results, sorted by student."""

    name: str
    results: list[Result]

    @cached_property
    def graded(self) -> list[Result]:
        """Those with a grade that the student's code earned."""
        return [result for result in self.results if result.status == "graded"]

    def with_status(self, status: str) -> list[Result]:
        """Return the results of one status."""
        return [result for result in self.results if result.status == status]

    @property
    def troubled(self) -> list[Result]:
        """Those that wait for a grade or have none, then those where an earlier grade counts."""
        waiting = self.with_status("infrastructure") + self.with_status("unreadable")
        return waiting + [result for result in self.graded if result.problem]

    @property
    def max_score(self) -> float:
        """The points of the whole lab."""
        return max(result.max_score for result in self.results)

    @property
    def median(self) -> float | None:
        """The median of the scores of what was graded."""
        return median(self._scores) if self._scores else None

    @cached_property
    def _scores(self) -> list[float]:
        return [result.score for result in self.graded if result.score is not None]

    @property
    def bins(self) -> list[tuple[str, int]]:
        """How many scores lie in each tenth of the points, with full marks on their own."""
        top = self.max_score or 1
        tenths = Counter(min(int(BINS * score / top + 1e-9), BINS) for score in self._scores)
        step = 100 // BINS
        labels = [f"{step * place} to {step * (place + 1)} %" for place in range(BINS)]
        return [(label, tenths[place]) for place, label in enumerate([*labels, "full marks"])]

    @property
    def levels(self) -> list[str]:
        """The isolation levels at which students' code ran."""
        return sorted({result.isolation for result in self.graded})

    @cached_property
    def seconds(self) -> list[float]:
        """The wall times of the submissions whose time was kept."""
        return [result.wall_s for result in self.graded if result.wall_s is not None]

    @property
    def median_seconds(self) -> float | None:
        """The median of these times."""
        return median(self.seconds) if self.seconds else None

    @cached_property
    def exercises(self) -> list[ExerciseView]:
        """Each exercise, in the lab's order."""
        whole = max(self.results, key=lambda result: len(result.exercises))
        by_id: dict[str, list[ExerciseResult]] = {one.id: [] for one in whole.exercises}
        for result in self.graded:
            for exercise in result.exercises:
                by_id.setdefault(exercise.id, []).append(exercise)
        points = {one.id: one.max_score for one in whole.exercises}
        return [_exercise_view(id, points.get(id, 0.0), found) for id, found in by_id.items()]

    @cached_property
    def ideas(self) -> list[Idea]:
        """Every misconception that somebody has, the commonest first."""
        found: dict[tuple[str, str], Idea] = {}
        for result in self.graded:
            for one in result.exercises:
                if one.misconception:
                    name = one.id.partition("/")[2]
                    texts = (one.explanation or "", one.hint or "")
                    new = Idea(name, one.misconception, *texts, students=[])
                    found.setdefault((name, one.misconception), new).students.append(result.student)
        return sorted(
            found.values(), key=lambda idea: (-len(idea.students), idea.exercise, idea.id)
        )

    @cached_property
    def equal_code(self) -> list[Overlap]:
        """Groups of students with equal code that is not the shipped solution's."""
        return equal_to_each_other(self.graded)

    @cached_property
    def equal_to_ours(self) -> list[Overlap]:
        """Students with a shipped solution's code."""
        return equal_to_ours(self.graded)

    @property
    def mended(self) -> list[Result]:
        """Those in whose files or cells something was put right or went wrong."""
        return [one for one in self.results if one.mended or one.cell_problems]


def class_view(results: Iterable[Result]) -> list[LabView]:
    """Return a view of each lab, sorted by name."""
    by_lab: dict[str, list[Result]] = {}
    for result in in_order(results):
        by_lab.setdefault(result.lab, []).append(result)
    return [LabView(name, found) for name, found in by_lab.items()]


def _exercise_view(id: str, points: float, found: list[ExerciseResult]) -> ExerciseView:
    counts = Counter(one.status for one in found)
    shares = [(one.score or 0) / one.max_score for one in found if one.max_score]
    return ExerciseView(
        name=id.partition("/")[2],
        points=points,
        graded=len(found),
        passed=counts["pass"],
        partial=counts["partial"],
        idle=sum(counts[status] for status in IDLE),
        share=mean(shares) if shares else 0.0,
        seconds=median(one.time_s for one in found) if found else 0.0,
    )
