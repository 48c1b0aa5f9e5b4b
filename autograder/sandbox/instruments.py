"""Inside the student's process: take away what would be the answer.

Two things go. The `course` functions that a lab withholds are replaced, under every name by which
they can be reached, by an object that says whose work it is; and `autograder` becomes a package in
which `check` and `hint` do nothing, so that a notebook runs from its first cell to its last.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from types import FunctionType, ModuleType
from typing import Any

from autograder.withhold import take_away


def withhold(names: Iterable[str]) -> set[str]:
    """Replace each dotted name, and return the source files that show what was there.

    Raises:
        ImportError, AttributeError: the lab withholds something that does not exist.

    """
    return {source for taken in take_away(names) for source in _source(taken.original)}


def _source(original: Any) -> Iterator[str]:
    try:
        yield inspect.getsourcefile(inspect.unwrap(original)) or ""
    except TypeError:
        return


def stub() -> ModuleType:
    """Return the module that stands for `autograder` while a student's code runs."""
    module = ModuleType("autograder", "Checks happen elsewhere; these do nothing.")

    def ignore(*_args: Any, **_kwargs: Any) -> None:
        """Do nothing."""

    def lab(_name: str) -> tuple[FunctionType, FunctionType]:
        """Return `check` and `hint`."""
        return ignore, ignore

    vars(module).update(lab=lab, __all__=["lab"])
    return module
