"""The peer is TransformerLens 4's `TransformerBridge`, around a native model."""

import pytest

from autograder.bench.lens_weights import bridge


@pytest.fixture
def translated():
    """Give a function from one of our models to theirs with the same weights."""
    return bridge
