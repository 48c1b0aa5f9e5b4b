"""Measured tolerances, and references that are refused when a wrong answer comes too close."""

from dataclasses import replace

import pytest
import torch
import toy

from autograder.cases import in_single, is_exact, make_case
from autograder.record import MARGIN_FLOOR, MarginError, measure, record_exercise
from autograder.spec import Misconception


def with_misconception(wrong, **changes):
    idea = Misconception("added", "does something else", "Look again.", wrong)
    return replace(toy.EXERCISE, misconceptions=(*toy.EXERCISE.misconceptions, idea), **changes)


def test_a_recorded_exercise_has_a_margin_over_the_floor():
    recorded = record_exercise(toy.SOURCE, toy.EXERCISE)
    assert isinstance(recorded.margin, float)
    assert recorded.margin >= MARGIN_FLOOR
    assert recorded.tolerance is not None
    assert recorded.noise is not None
    assert 0 < recorded.noise < recorded.tolerance < 1e-4
    assert [case.id for case in recorded.cases] == ["public-1", "public-2", "public-3"]
    assert recorded.cases[0].expected.dtype == torch.float64
    assert recorded.signature == "row_sums(matrix)"


def test_the_same_seed_gives_the_same_case_and_another_another():
    def case(seed):
        return make_case(toy.EXERCISE, toy.row_sums, "c", seed)

    assert torch.equal(case("a").inputs["matrix"], case("a").inputs["matrix"])
    assert case("a").inputs["matrix"].tolist() != case("b").inputs["matrix"].tolist()


def test_a_wrong_answer_that_comes_too_close_is_refused():
    exercise = with_misconception(lambda matrix: matrix.sum(1) * (1 + 1e-5))
    with pytest.raises(MarginError, match=r"row_sums: added on .* differs .* by only 1e-05"):
        record_exercise(toy.SOURCE, exercise)


def test_two_misconceptions_that_cannot_be_told_apart_are_refused():
    exercise = with_misconception(lambda matrix: matrix.T.sum(1))
    with pytest.raises(MarginError, match="column_sums is taken for nothing"):
        record_exercise(toy.SOURCE, exercise)


def test_a_number_that_never_varies_is_refused():
    def draw_case(draw):
        return {"matrix": draw.normal(3, 3), "times": 2}

    exercise = replace(toy.EXERCISE, case=draw_case, misconceptions=())
    source = replace(toy.SOURCE, answers={"row_sums": lambda matrix, times: times * matrix.sum(1)})
    with pytest.raises(MarginError, match="`times` is 2 in every public case"):
        record_exercise(source, exercise)


def test_an_answer_with_a_fixed_dtype_is_refused():
    def careless(matrix):
        return matrix.bfloat16().sum(1).to(matrix.dtype)

    def rounds_in_single_only(matrix):
        return careless(matrix) if matrix.dtype == torch.float32 else matrix.sum(1)

    cases = [make_case(toy.EXERCISE, rounds_in_single_only, "c", "seed")]
    with pytest.raises(MarginError, match="float32 differs from float64"):
        measure(toy.EXERCISE, rounds_in_single_only, cases)


def test_exact_answers_have_no_tolerance():
    exercise = replace(
        toy.EXERCISE,
        axes="",
        misconceptions=(Misconception("one_more", "adds one", "Count.", lambda matrix: 1),),
    )
    case = make_case(exercise, lambda matrix: 0, "c", "seed")
    measured = measure(exercise, lambda matrix: 0, [case])
    assert measured == {"tolerance": None, "noise": None, "effect": None, "margin": "exact"}
    with pytest.raises(MarginError, match="one_more on c gives the right answer"):
        measure(exercise, lambda matrix: 1, [make_case(exercise, lambda matrix: 1, "c", "s")])


def test_is_exact_looks_into_containers():
    assert is_exact({"a": {(0, 1)}, "b": [1, "x", None, True]})
    assert not is_exact({"a": (1, 2.0)})
    assert not is_exact([torch.zeros(1)])


def test_every_call_gets_its_own_inputs():
    case = make_case(toy.EXERCISE, toy.row_sums, "c", "seed")

    def spoils(matrix):
        matrix.zero_()
        return matrix

    in_single(spoils, case.inputs)
    assert case.inputs["matrix"].abs().sum() > 0
