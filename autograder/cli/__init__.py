"""The command `glassbox`: for learners, instructors and authors, one file each."""

from autograder.cli import (
    author,
    bench,
    export,
    instructor,
    learner,
    platforms,
    review,
    selftest,
)
from autograder.cli.common import app

__all__ = [
    "app",
    "author",
    "bench",
    "export",
    "instructor",
    "learner",
    "platforms",
    "review",
    "selftest",
]
