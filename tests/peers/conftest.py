"""What tests against other libraries start from; `make peers` runs them (tests/peers/run.py)."""

import pytest
import torch
from specimens import KINDS, make

from course import ToyTransformer


def pytest_configure(config):
    """Leave the warnings of other people's libraries to them."""
    config.addinivalue_line("filterwarnings", "default")


@pytest.fixture(params=KINDS)
def model(request) -> ToyTransformer:
    """A model of each kind, in float64."""
    return make(request.param)


@pytest.fixture
def gpt2() -> ToyTransformer:
    """One model with all the usual parts, in float64."""
    return make("gpt2")


@pytest.fixture
def tokens() -> torch.Tensor:
    """Two sequences of five tokens, with a repetition."""
    return torch.tensor([[0, 7, 3, 7, 10], [4, 4, 1, 9, 2]])
