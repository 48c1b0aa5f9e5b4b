"""Who handed in equal code: groups within a class, and those who equal a shipped solution.

It says where to look and accuses nobody. Short answers (under `LEAST_SIZE`) never start a group,
and what equals the shipped solution is told apart, since a source that all can find says nothing
about who copied from whom.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from autograder.results import ExerciseResult, Result
from autograder.similar import LEAST_SIZE


@dataclass(frozen=True)
class SameCode:
    """An exercise's name and the size of the code that was equal."""

    exercise: str
    size: int

    @property
    def short(self) -> bool:
        """Whether so little code is likely to be equal by chance."""
        return self.size < LEAST_SIZE


@dataclass(frozen=True)
class Overlap:
    """Students and the exercises in which their code is equal: to each other's, or to ours."""

    students: tuple[str, ...]
    answers: tuple[SameCode, ...]

    @property
    def weight(self) -> int:
        """All code together: the larger, the less likely by chance."""
        return sum(answer.size for answer in self.answers)


def equal_to_each_other(results: Iterable[Result]) -> list[Overlap]:
    """Return groups of one lab's students with equal code of their own, the weightiest first."""
    codes = {result.student: _codes(result, ours=False) for result in results}
    holders: dict[tuple[str, str], list[str]] = {}
    for student, answers in codes.items():
        for name, answer in answers.items():
            if (answer.code_size or 0) >= LEAST_SIZE:
                holders.setdefault((name, answer.code_sha256 or ""), []).append(student)
    groups = dict.fromkeys(tuple(sorted(who)) for who in holders.values() if len(who) > 1)
    found = [Overlap(group, _shared([codes[student] for student in group])) for group in groups]
    return sorted(found, key=lambda one: (-one.weight, one.students))


def equal_to_ours(results: Iterable[Result]) -> list[Overlap]:
    """Return the students of one lab whose code is a solution's, grouped by where it is."""
    groups: dict[tuple[SameCode, ...], list[str]] = {}
    for result in results:
        codes = _codes(result, ours=True)
        same = tuple(SameCode(name, one.code_size or 0) for name, one in codes.items())
        if not all(answer.short for answer in same):
            groups.setdefault(same, []).append(result.student)
    found = [Overlap(tuple(sorted(who)), answers) for answers, who in groups.items()]
    return sorted(found, key=lambda one: (-one.weight, one.students))


def _codes(result: Result, *, ours: bool) -> dict[str, ExerciseResult]:
    return {
        exercise.id.partition("/")[2]: exercise
        for exercise in result.exercises
        if exercise.code_sha256 and exercise.equals_solution == ours
    }


def _shared(codes: list[Mapping[str, ExerciseResult]]) -> tuple[SameCode, ...]:
    """Return the answers that all have in common, short ones too: they add to the others."""
    first = codes[0]
    return tuple(
        SameCode(name, answer.code_size or 0)
        for name, answer in first.items()
        if all(name in one and one[name].code_sha256 == answer.code_sha256 for one in codes)
    )
