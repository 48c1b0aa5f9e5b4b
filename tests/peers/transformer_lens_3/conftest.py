"""The peer is TransformerLens 3.9's `HookedTransformer`."""

import pytest

from autograder.bench.lens_weights import hooked_transformer


@pytest.fixture
def translated():
    """Give a function from one of our models to theirs with the same weights."""
    return hooked_transformer
