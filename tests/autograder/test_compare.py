"""The order of the checks, and that nothing unequal passes."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from autograder.compare import compare, relation_to

AXES = "batch head query key"
TOLERANCE = 1e-5


@pytest.fixture
def pattern():
    return torch.randn(2, 4, 5, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def verdict(expected, got, axes=AXES, tolerance=TOLERANCE, **options):
    return compare(expected, got, axes=axes, tolerance=tolerance, **options)


def test_equal_passes_in_either_precision(pattern):
    assert verdict(pattern, pattern.float()).passed
    assert verdict(pattern, pattern.clone()).passed


def test_none_is_told_as_a_missing_return(pattern):
    found = verdict(pattern, None)
    assert found.check == "returned something"
    assert "return" in found.message


def test_type_comes_before_shape(pattern):
    assert verdict(pattern, [1.0]).check == "type"
    assert verdict(1.5, "1.5", axes="").check == "type"
    assert verdict(1, True, axes="").check == "type"


def test_dtype_kind(pattern):
    assert verdict(pattern, pattern.long()).check == "dtype"
    assert verdict(pattern, pattern.to(torch.complex128)).check == "dtype"
    assert verdict(torch.tensor([1, 2]), torch.tensor([1.0, 2.0]), axes="head").check == "dtype"


def test_swapped_axes_are_named(pattern):
    found = verdict(pattern, torch.zeros(2, 5, 4, 5))
    assert found.check == "shape"
    assert "(batch, head, query, key) = (2, 4, 5, 5), got (2, 5, 4, 5)" in found.message
    assert "head and query look swapped" in found.message


@pytest.mark.parametrize("shape", [(1, 4, 5, 5), (1,), (), (5, 5), (2, 4, 5, 1)])
def test_broadcasting_never_passes(shape):
    expected = torch.ones(2, 4, 5, 5, dtype=torch.float64)
    assert verdict(expected, torch.ones(shape)).check in ("shape", "type")


def test_nan_never_passes(pattern):
    got = pattern.clone()
    got[0, 0, 0, 0] = math.nan
    assert verdict(pattern, got).check == "finite"
    assert "1 of 200 entries are finite on one side only" in verdict(pattern, got).message
    assert verdict(torch.tensor(math.nan), torch.tensor(math.nan), axes="").check == "finite"


def test_masked_scores_are_compared_by_equality():
    expected = torch.tensor([[0.0, -math.inf], [1.0, 2.0]], dtype=torch.float64)
    assert verdict(expected, expected.float(), axes="query key").passed
    for wrong in (-1e9, math.inf, math.nan):
        got = expected.clone()
        got[0, 1] = wrong
        found = verdict(expected, got, axes="query key")
        assert found.check == "finite"
        assert found.index == (0, 1)


def test_values_tell_first_index_difference_fraction_and_slice(pattern):
    got = pattern.clone()
    got[:, 2] += 0.5
    found = verdict(pattern, got)
    assert found.check == "values"
    assert found.index == (0, 2, 0, 0)
    assert "batch=0, head=2, query=0, key=0" in found.message
    assert "50 of 200 entries differ, all of them at head=2" in found.message
    assert "largest difference 0.5" in found.message


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda x: -x, "the sign turned"),
        (lambda x: x * 4, "times 4"),
        (lambda x: x + 2, "plus 2"),
        (lambda x: x.transpose(-1, -2), "query and key swapped"),
    ],
)
def test_a_simple_relation_is_said(pattern, change, told):
    assert told in verdict(pattern, change(pattern)).message


def test_unrelated_answers_get_no_relation(pattern):
    assert relation_to(pattern, torch.randn_like(pattern), tuple(AXES.split()), 1e-5) == ""


def test_tolerance_is_relative_to_the_tensor():
    small = torch.tensor([1e-6, 2e-6], dtype=torch.float64)
    assert verdict(small, small * (1 + 1e-6), axes="head").passed
    assert not verdict(small, small * 1.001, axes="head").passed
    assert not verdict(small, torch.zeros(2), axes="head").passed


def test_an_all_zero_reference_takes_only_zeros():
    zeros = torch.zeros(3, dtype=torch.float64)
    assert verdict(zeros, torch.zeros(3), axes="head").passed
    assert not verdict(zeros, torch.full((3,), 1e-9), axes="head").passed


def test_numbers_and_scalar_tensors_are_one_kind():
    assert verdict(0.5, torch.tensor(0.5), axes="").passed
    assert verdict(torch.tensor(0.5, dtype=torch.float64), 0.5, axes="").passed
    assert verdict(0.5, torch.tensor([0.5]), axes="").check == "shape"
    assert verdict(3, torch.tensor(3), axes="").passed
    assert not verdict(3, 4, axes="").passed


def test_tuples_dicts_and_sets():
    one, two = torch.ones(2), torch.zeros(2)
    assert verdict((one, two), [one, two], axes=("head", "head")).passed
    assert verdict((one, two), (one,), axes="head").check == "number of outputs"
    found = verdict((one, two), (one, one), axes=("head", "head"))
    assert found.part == "[1]"
    assert verdict({"a": 1}, {"b": 1}, axes="").check == "number of outputs"
    assert verdict({(0, 1)}, {(0, 1)}, axes="", tolerance=None).passed
    found = verdict({(0, 1)}, {(1, 0)}, axes="", tolerance=None)
    assert "missing {(0, 1)}, not expected {(1, 0)}" in found.message
    assert verdict({(0, 1)}, [(0, 1)], axes="", tolerance=None).check == "type"


@pytest.mark.parametrize(
    ("expected", "got", "told"),
    [
        (torch.zeros(2), [torch.zeros(()), torch.zeros(())], "torch.stack"),
        (torch.zeros(2), [0.0, 0.0], "torch.tensor makes one"),
        ({(0, 1)}, [(0, 1)], "set(...)"),
        ((0.5, 0.5), torch.zeros(2), "return 2 values with commas"),
    ],
)
def test_a_wrong_type_comes_with_the_way_out(expected, got, told):
    found = verdict(expected, got, axes="head")
    assert found.check == "type"
    assert told in found.message


def head_weights(seed: int, d_head: int = 3):
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape):
        return torch.randn(shape, dtype=torch.float64, generator=generator)

    return {
        "W_Q": draw(5, d_head),
        "W_K": draw(5, d_head),
        "W_V": draw(5, d_head),
        "W_O": draw(d_head, 5),
    }


@given(st.integers(0, 50))
def test_factored_answers_are_equal_up_to_a_change_of_basis(seed):
    weights = head_weights(seed)
    turn = torch.linalg.qr(head_weights(seed + 100)["W_Q"][:3]).Q * 2
    turned = {
        "W_Q": weights["W_Q"] @ turn,
        "W_K": weights["W_K"] @ torch.linalg.inv(turn).T,
        "W_V": weights["W_V"] @ turn,
        "W_O": torch.linalg.inv(turn) @ weights["W_O"],
    }
    axes = {"QK": "query key", "OV": "source target"}
    assert verdict(weights, turned, axes=axes, invariance="factored").passed
    swapped = {**weights, "W_Q": weights["W_K"], "W_K": weights["W_Q"]}
    assert not verdict(weights, swapped, axes=axes, invariance="factored").passed


@pytest.mark.parametrize(
    ("change", "check"),
    [
        (lambda w: w.pop("W_O"), "number of outputs"),
        (lambda w: w.update(W_Q=1.0), "type"),
        (lambda w: w.update(W_Q=torch.zeros(5)), "shape"),
        (lambda w: w.update(W_Q=torch.zeros(5, 2)), "shape"),
    ],
)
def test_factored_answers_that_are_not_a_head(change, check):
    weights = head_weights(0)
    change(weights)
    found = verdict(head_weights(0), weights, axes="", invariance="factored")
    assert found.check == check


def test_sizes_are_checked_before_anything_is_multiplied():
    weights = head_weights(0)
    weights.update(W_Q=torch.zeros(10**6, 1), W_K=torch.zeros(10**6, 1))
    assert verdict(head_weights(0), weights, axes="", invariance="factored").check == "shape"
    weights = {**head_weights(0), "W_Q": torch.zeros(5, 0), "W_K": torch.zeros(5, 0)}
    assert not verdict(head_weights(0), weights, axes="", invariance="factored").passed


def test_a_number_too_large_for_a_tensor_loses_with_a_message():
    found = verdict(torch.tensor(0.5, dtype=torch.float64), 2**70, axes="")
    assert (found.passed, found.check) == (False, "values")
    assert not verdict(0.5, 2**200, axes="").passed


def test_a_message_has_an_end():
    found = verdict({"a": 1}, {"x" * 500_000: 1}, axes="")
    assert len(found.message) < 3000
