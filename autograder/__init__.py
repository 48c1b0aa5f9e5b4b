"""Check answers against reference activations, and grade classes of them."""

from autograder.check import lab

__all__ = ["lab"]
