"""Inside the student's process: take away what would be the answer.

Two things go. The `course` functions that a lab withholds are replaced, under every name by which
they can be reached, by an object that says whose work it is; and `autograder` becomes a package in
which `check` and `hint` do nothing, so that a notebook runs from its first cell to its last.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Iterable, Iterator
from types import FunctionType, ModuleType
from typing import Any

from autograder.withhold import Withheld


def withhold(names: Iterable[str]) -> set[str]:
    """Replace each dotted name, and return the source files that show what was there.

    Raises:
        ImportError, AttributeError: the lab withholds something that does not exist.

    """
    sources = set()
    for name in names:
        owner, attribute = _owner(name)
        original = inspect.getattr_static(owner, attribute)
        sources.update(_source(original))
        if not isinstance(owner, ModuleType):
            setattr(owner, attribute, Withheld(name))
        for module, alias in list(_aliases(original)):
            setattr(module, alias, Withheld(name))
    return sources


def _owner(name: str) -> tuple[Any, str]:
    """Return the module or class that `name` is an attribute of."""
    path, _, attribute = name.rpartition(".")
    parts = path.split(".")
    for length in range(len(parts), 0, -1):
        try:
            owner = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            owner = getattr(owner, part)
        return owner, attribute
    raise ImportError(f"there is no {path} to withhold {attribute} from")


def _aliases(original: Any) -> Iterator[tuple[ModuleType, str]]:
    for module_name, module in list(sys.modules.items()):
        if module_name.partition(".")[0] == "course":
            for alias, held in list(vars(module).items()):
                if held is original:
                    yield module, alias


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
