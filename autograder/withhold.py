"""Take away, for the time of a call, the `course` functions that would be the answer."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, NoReturn
from unittest.mock import patch


class WithheldError(RuntimeError):
    """A call of an instrument that is itself the exercise."""


class Withheld:
    """Stands where a withheld function was, and says so when it is used."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        """Refuse."""
        raise WithheldError(f"{self._name}: this is the exercise; write it yourself")

    def __getattr__(self, attribute: str) -> NoReturn:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        raise WithheldError(f"{self._name}: this is the exercise; write it yourself")


@contextmanager
def withheld(names: Iterable[str]) -> Iterator[None]:
    """Replace each dotted name, for example `course.zoo.induction_by_hand.build`, by a refusal."""
    with ExitStack() as stack:
        for name in names:
            module_name, _, attribute = name.rpartition(".")
            module = importlib.import_module(module_name)
            stack.enter_context(patch.object(module, attribute, Withheld(name)))
        yield
