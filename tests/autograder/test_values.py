"""What may cross between grader and student, and what may not."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from autograder.values import (
    Packed,
    ValueCrossingError,
    flatten,
    rebuilt,
    renamed,
    to_double,
    unflatten,
)
from course import Config, ToyTransformer

TINY = Config(n_layers=1, d_model=4, n_ctx=5, d_head=2, n_heads=2, d_vocab=6)

plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**200), 2**200)
    | st.floats(allow_nan=False)
    | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(plain)
def test_plain_values_come_back_equal_and_of_the_same_type(value):
    tree, tensors = flatten(value)
    back = unflatten(tree, tensors, trusted=False)
    assert back == value
    assert type(back) is type(value)


def test_tensors_sets_and_special_floats_come_back():
    value = {"x": torch.randn(2, 3), "s": {(1, 2), (0, 1)}, "f": [math.inf, -0.0]}
    back = rebuilt(value)
    assert torch.equal(back["x"], value["x"])
    assert back["s"] == value["s"]
    assert back["f"][0] == math.inf
    assert math.copysign(1, back["f"][1]) == -1
    assert math.isnan(rebuilt(math.nan))


def test_numpy_scalars_arrive_as_plain_numbers():
    back = rebuilt({"i": np.int64(3), "f": np.float32(0.5), "b": np.bool_(True)})
    assert back == {"i": 3, "f": 0.5, "b": True}
    assert [type(item) for item in back.values()] == [int, float, bool]
    assert rebuilt({(np.int64(1), 2)}) == {(1, 2)}


def test_a_set_holds_plain_values_and_scalar_tensors_become_numbers():
    assert rebuilt({(torch.tensor(0), torch.tensor(1))}) == {(0, 1)}
    for item in (torch.zeros(2), (torch.zeros(2),), frozenset({1})):
        with pytest.raises(ValueCrossingError, match="numbers, text or tuples"):
            flatten({item})


def test_a_forged_tree_cannot_name_one_tensor_many_times():
    tree = {"list": [{"tensor": "0"}] * 60}
    with pytest.raises(ValueCrossingError, match="more than once"):
        unflatten(tree, {"0": torch.zeros(2)}, trusted=False)


def test_a_forged_tree_cannot_hold_a_huge_number():
    with pytest.raises(ValueCrossingError, match="bits"):
        unflatten({"value": 2**5000}, {}, trusted=False)


def test_a_set_whose_elements_all_collide_is_refused_before_it_is_built():
    tree = {"set": [{"value": place * (2**61 - 1)} for place in range(9_000)]}
    with pytest.raises(ValueCrossingError, match="form"):
        unflatten(tree, {}, trusted=False)


def test_a_rebuilt_tensor_shares_no_memory():
    original = torch.zeros(3)
    rebuilt(original)[0] = 1.0
    assert original[0] == 0


def test_two_views_of_one_tensor_arrive_apart():
    base = torch.arange(6.0)
    one, two = rebuilt([base, base[:3]])
    one[0] = 9.0
    assert two[0] == 0


def test_a_model_crosses_only_towards_the_student():
    model = ToyTransformer(TINY)
    tree, tensors = flatten(model)
    tokens = torch.tensor([[0, 1, 2]])
    assert torch.equal(unflatten(tree, tensors, trusted=True)(tokens), model(tokens))
    with pytest.raises(ValueCrossingError):
        unflatten(tree, tensors, trusted=False)


class Agreeable(torch.Tensor):
    def __eq__(self, other):
        return True

    __hash__ = torch.Tensor.__hash__


def test_a_tensor_subclass_arrives_as_a_plain_tensor():
    assert type(rebuilt(torch.zeros(2).as_subclass(Agreeable))) is torch.Tensor


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (len, "builtin_function_or_method"),
        (torch.nn.Linear(1, 1), "Linear"),
        ((n for n in range(3)), "list(...)"),
        (torch.zeros(2).numpy(), "torch.as_tensor"),
        (torch.zeros(2, device="meta"), "dense tensor on the CPU"),
        (torch.eye(2).to_sparse(), "dense tensor on the CPU"),
        ({1: 2}, "str keys"),
        (2**300, "bits"),
        ([[[[[[[[[[1]]]]]]]]]], "nested"),
        (list(range(20_000)), "parts"),
        (set(range(2_000)), "a set of 2000"),
    ],
)
def test_what_may_not_cross_says_why(value, told):
    with pytest.raises(ValueCrossingError, match=told.replace("(", r"\(").replace(")", r"\)")):
        flatten(value)


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["tensor", "value", "float", "dict", "list", "set", "zoo", "model"]),
            inner,
            max_size=2,
        )
    ),
    max_leaves=12,
)


@given(json_like)
def test_no_tree_makes_reading_fail_in_another_way(tree):
    try:
        unflatten(tree, {"0": torch.zeros(1)}, trusted=False)
    except ValueCrossingError:
        return


def test_to_double_reaches_tensors_in_containers_and_models():
    tokens = torch.tensor([[1, 2]])
    value = to_double({"x": [torch.zeros(1)], "m": ToyTransformer(TINY), "t": tokens})
    assert value["x"][0].dtype == torch.float64
    assert value["m"](tokens).dtype == torch.float64
    assert value["t"].dtype == torch.int64


def test_a_packed_value_arrives_as_if_it_had_been_rebuilt_and_flattened():
    model = ToyTransformer.random(TINY, seed=1)
    value = {"model": model, "x": [torch.randn(2), {"tensor": 3}], "n": 5}
    tree, tensors = flatten(value)
    own = renamed(tree, "m.".__add__)
    packed = Packed(own, {f"m.{key}": tensor for key, tensor in tensors.items()})
    tree, tensors = flatten([torch.zeros(3), packed, packed])
    back = unflatten(tree, tensors, trusted=True)
    assert torch.equal(back[0], torch.zeros(3))
    assert len(tensors) == 1 + 2 * (len(model.state_dict()) + 1)
    for one in back[1:]:
        assert torch.equal(one["x"][0], value["x"][0])
        assert one["x"][1] == {"tensor": 3}
        assert one["n"] == 5
        assert one["model"].cfg == TINY
        for name, weight in model.state_dict().items():
            assert torch.equal(one["model"].get_parameter(name), weight)
