"""Shapes in words."""

import pytest

from autograder.shapes import describe_shape, explain_shape, name_axes

AXES = ("batch", "pos", "d_model")


def test_names_fit_or_are_numbered():
    assert name_axes("batch pos", 2) == ("batch", "pos")
    assert name_axes("batch pos", 3) == ("axis0", "axis1", "axis2")
    assert name_axes("", 0) == ()


def test_describe():
    assert describe_shape(("head",), (4,)) == "(head) = (4,)"
    assert describe_shape((), ()) == "()"


@pytest.mark.parametrize(
    ("got", "told"),
    [
        ((5, 2, 7), "batch and pos look swapped"),
        ((5, 7, 2), "the axes look permuted"),
        ((2, 7), "the axis pos is missing"),
        ((2, 1, 5, 7), "axis 1 of yours, of size 1, is one too many"),
        ((2, 4, 7), "pos has 4 entries instead of 5"),
        ((9,), "got (9,)"),
    ],
)
def test_the_likely_cause(got, told):
    text = explain_shape(AXES, (2, 5, 7), got)
    assert text.startswith("expected (batch, pos, d_model) = (2, 5, 7), got")
    assert told in text
