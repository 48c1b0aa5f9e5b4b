"""What an author writes about a lab: exercises, their inputs, the wrong answers that must lose.

A lab is two files under one name. `solutions/<lab>.py` holds the text, the stubs and the reference
answers. `autograder/labs/<lab>.py` holds one `LAB = Lab(...)`, built from the classes below: how to
draw inputs, what a half-understanding student would write (as code that the grader runs), and what
to tell that student. Everything else (notebooks, references, the hidden bank) is derived.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from autograder.draw import Draw

# One axis string for one tensor ("batch head query key", "" for a number or a set), or the same
# shape of container as the answer: a tuple of strings, or a dict of strings.
Axes = str | tuple[str, ...] | Mapping[str, str]


@dataclass(frozen=True)
class Misconception:
    """A wrong idea, as the code that it leads to.

    `wrong` takes the exercise's arguments and returns what a student with this idea would return.
    `text` completes "It looks as if your code ..."; `hint` asks or shows, but does not give the
    answer away.
    """

    id: str
    text: str
    hint: str
    wrong: Callable[..., Any]


@dataclass(frozen=True)
class Exercise:
    """One graded function: what it claims to teach, how it is drawn, and how it goes wrong.

    Attributes:
        name: the function's name, unique in the lab.
        title: a few words for tables.
        claim: the one sentence that a right answer shows to be true.
        objective: what the learner can do afterwards.
        points: marks for all cases passed.
        minutes: how long a learner who read the text takes.
        difficulty: 1 (one line) to 5.
        axes: the names of the answer's axes.
        case: draws one set of arguments, in the signature's order. It must vary shapes and values.
        misconceptions: at least four.
        hints: three: a nudge, the method, near-code.
        invariance: the name of the transformation under which answers count as equal
            (a key of `autograder.invariances.INVARIANCES`), or None for plain equality.
        withheld: dotted names in `course` that would be the answer. They raise while this lab's
            answers run.
        seconds: wall time that one call may take.
        megabytes: memory that the student's process may take above the course's own.

    """

    name: str
    title: str
    claim: str
    objective: str
    points: float
    minutes: int
    difficulty: int
    axes: Axes
    case: Callable[[Draw], dict[str, Any]]
    misconceptions: tuple[Misconception, ...]
    hints: tuple[str, str, str]
    invariance: str | None = None
    withheld: tuple[str, ...] = ()
    seconds: float = 5.0
    megabytes: int = 1024
    public_cases: int = 3


@dataclass(frozen=True)
class Lab:
    """A lab's exercises in order, and where it stands in the course."""

    name: str
    title: str
    module: str
    model: str
    exercises: tuple[Exercise, ...]
    lessons: tuple[str, ...] = field(default=())

    def exercise(self, name: str) -> Exercise:
        """Return the exercise called `name`."""
        return next(exercise for exercise in self.exercises if exercise.name == name)
