"""A lab of one exercise, small enough to see through: the row sums of a matrix."""

import torch

from autograder.cases import Source
from autograder.draw import Draw
from autograder.spec import Exercise, Lab, Misconception


def row_sums(matrix):
    """Sum each row."""
    return matrix.sum(dim=1)


def draw_case(draw: Draw):
    rows = draw.integer(3, 5)
    return {"matrix": draw.normal(rows, rows)}


EXERCISE = Exercise(
    name="row_sums",
    title="Row sums",
    claim="A row's sum is one number.",
    objective="Sum over one axis.",
    points=2,
    minutes=5,
    difficulty=1,
    axes="row",
    case=draw_case,
    misconceptions=(
        Misconception("column_sums", "sums columns", "Which axis?", lambda matrix: matrix.sum(0)),
        Misconception("mean", "averages", "Divide?", lambda matrix: matrix.mean(1)),
        Misconception("keeps_axis", "keeps the axis", "Shape?", lambda matrix: matrix.sum(1, True)),
        Misconception("absolute", "drops signs", "Signs?", lambda matrix: matrix.abs().sum(1)),
    ),
    hints=("Which axis?", "Sum over it.", "matrix.sum(dim=...)"),
)
LAB = Lab("toy", "A toy", "m0_foundations", "none", (EXERCISE,))
SOURCE = Source(LAB, {"row_sums": row_sums}, "0" * 64)


def as_student(answer):
    """Give a function the name that `check` looks for."""
    answer.__name__ = "row_sums"
    return answer


def wrong(matrix):
    """An answer that no misconception explains."""
    return matrix.sum(dim=1) + torch.arange(len(matrix))
