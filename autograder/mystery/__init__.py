"""Mysteries: trojans planted in a private model, one for each student, not trained.

This is the grader's side: it knows the truth. It lies in `autograder`, which neither a release for
students nor the view of a graded process contains; `course.zoo.mystery` is what they have.
"""

from autograder.mystery.base import Base, open_base, train_base
from autograder.mystery.generate import Mystery, hand_out, mystery, read_truth
from autograder.mystery.plant import Truth

__all__ = [
    "Base",
    "Mystery",
    "Truth",
    "hand_out",
    "mystery",
    "open_base",
    "read_truth",
    "train_base",
]
