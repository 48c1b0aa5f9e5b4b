"""A wrong answer is named by the idea that leads to it."""

import math
from dataclasses import replace

import pytest
import torch
import toy

from autograder.compare import compare
from autograder.diagnose import _surely_differ, commonest, judge
from autograder.record import record_exercise
from autograder.spec import Misconception


@pytest.fixture(scope="module")
def recorded():
    return record_exercise(toy.SOURCE, toy.EXERCISE)


def judged(recorded, answer):
    return [judge(recorded, case, answer(**case.inputs)) for case in recorded.cases]


@pytest.mark.parametrize("idea", toy.EXERCISE.misconceptions, ids=lambda idea: idea.id)
def test_each_misconception_is_named(recorded, idea):
    match = commonest(judged(recorded, idea.wrong))
    assert match is not None
    assert (match.misconception, match.how) == (idea.id, "exact")


def test_a_right_answer_has_no_misconception(recorded):
    judgements = judged(recorded, toy.row_sums)
    assert all(judgement.verdict.passed for judgement in judgements)
    assert commonest(judgements) is None


def test_a_scaled_misconception_is_named_with_the_relation(recorded):
    match = commonest(judged(recorded, lambda matrix: matrix.sum(0) * 3))
    assert match is not None
    assert match.misconception == "column_sums"
    assert match.how == "that answer times 3"


def test_the_right_answer_times_a_factor_is_not_taken_for_a_misconception():
    signed = Misconception("sign", "turns the sign", "Sign?", lambda matrix: -matrix.sum(1))
    exercise = replace(toy.EXERCISE, misconceptions=(signed, *toy.EXERCISE.misconceptions[2:]))
    recorded = record_exercise(replace(toy.SOURCE, lab=toy.LAB), exercise)
    judgements = judged(recorded, lambda matrix: 77 * matrix.sum(1))
    assert commonest(judgements) is None
    assert "times 77" in judgements[0].verdict.message


def test_an_unknown_mistake_gets_no_name(recorded):
    assert commonest(judged(recorded, toy.wrong)) is None


def test_an_idea_that_explains_half_of_the_cases_or_fewer_is_not_named(recorded):
    mean, column = (
        next(idea.wrong for idea in toy.EXERCISE.misconceptions if idea.id == name)
        for name in ("mean", "column_sums")
    )
    answers = [mean, column, toy.wrong]
    judgements = [
        judge(recorded, case, answer(**case.inputs))
        for case, answer in zip(recorded.cases, answers, strict=True)
    ]
    assert commonest(judgements) is None


def test_an_idea_that_gives_nan_is_named():
    def divided_by_zero(matrix):
        total = matrix.sum(1)
        total[0] = torch.nan
        return total

    idea = Misconception("nan", "divides by zero", "By what do you divide?", divided_by_zero)
    exercise = replace(toy.EXERCISE, misconceptions=(idea, *toy.EXERCISE.misconceptions))
    recorded = record_exercise(toy.SOURCE, exercise)
    match = commonest(judged(recorded, divided_by_zero))
    assert match is not None
    assert match.misconception == "nan"


def test_a_shifted_misconception_is_not_named(recorded):
    assert commonest(judged(recorded, lambda matrix: matrix.sum(0) + 3)) is None


def test_the_majority_of_failed_cases_decides(recorded):
    mean, column = (
        next(idea.wrong for idea in toy.EXERCISE.misconceptions if idea.id == name)
        for name in ("mean", "column_sums")
    )
    answers = [mean, column, mean]
    judgements = [
        judge(recorded, case, answer(**case.inputs))
        for case, answer in zip(recorded.cases, answers, strict=True)
    ]
    match = commonest(judgements)
    assert match is not None
    assert match.misconception == "mean"


NEARLY = [
    (torch.ones(3), torch.ones(3) * (1 + 1e-7)),
    (torch.tensor([1.0, -torch.inf]), torch.tensor([1.0, -torch.inf])),
    (torch.ones(2), torch.ones(2, dtype=torch.float64)),
    (torch.ones(0), torch.ones(0)),
    (torch.ones(2, dtype=torch.long), torch.ones(2, dtype=torch.long)),
    ((1.0, 0.0), [1.0 + 1e-7, 0.0]),
    (math.inf, math.inf),
    ({"a": torch.ones(2), "b": 0.5}, {"b": 0.5, "a": torch.ones(2)}),
    ({(0, 1)}, {(0, 1)}),
    ("word", "word"),
]


@pytest.mark.parametrize(("wrong", "got"), NEARLY)
def test_what_compares_as_equal_is_never_said_to_differ(wrong, got):
    assert compare(wrong, got, axes="", tolerance=1e-6).passed
    assert not _surely_differ(wrong, got, 1e-6)


@pytest.mark.parametrize(
    ("wrong", "got"),
    [
        (torch.ones(3), torch.tensor([1.0, 1.0, 1.1])),
        (torch.ones(2), torch.tensor([1.0, torch.inf])),
        (torch.tensor([1.0, torch.inf]), torch.tensor([1.0, -torch.inf])),
        ((1.0, 2.0), (1.0, 2.1)),
        ({"a": torch.ones(2)}, {"a": torch.zeros(2)}),
        ({(0, 1)}, {(1, 0)}),
    ],
)
def test_what_differs_is_seen_without_a_comparison(wrong, got):
    assert _surely_differ(wrong, got, 1e-6)
    assert not compare(wrong, got, axes="", tolerance=1e-6).passed
