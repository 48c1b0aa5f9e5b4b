"""Inside the student's process: take away what would be the answer.

Three things go. The `course` functions that a lab withholds are replaced, under every name by which
they can be reached, by an object that says whose work it is. So is all else that their modules
define, since the helper of a withheld function is most of the answer. And `autograder` becomes a
package in which `check` and `hint` do nothing, so that a notebook runs from first cell to last.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable, Iterator
from types import FunctionType, ModuleType
from typing import Any

from autograder.withhold import Places, Taken, Withheld, keep_course_modules, take_away


def withhold(names: Iterable[str]) -> set[str]:
    """Replace each dotted name and its module's helpers; return the source files that show them.

    Raises:
        ImportError, AttributeError: the lab withholds something that does not exist.

    """
    taken = take_away(names)
    hidden = {source for one in taken for source in _source(one.original)}
    _take_helpers(taken)
    return hidden


def _take_helpers(taken: list[Taken]) -> None:
    """Replace what a withheld function's module defines, and what elsewhere holds the function.

    A withheld method takes none of its class's module with it, which is of use without it.
    """
    functions = [one.original for one in taken if isinstance(one.owner, ModuleType)]
    modules = {getattr(function, "__module__", None) for function in functions}
    places = Places()
    for module in places.modules:
        own = module.__name__ in modules
        for name, held in list(vars(module).items()):
            if (own and _is_made_in(module, held)) or _holds(held, functions):
                for place, alias in places.of(held):
                    setattr(place, alias, Withheld(f"{module.__name__}.{name}"))
                if isinstance(held, type):
                    _strip(held)


def _is_made_in(module: ModuleType, held: Any) -> bool:
    """Tell a module's own functions and classes, and objects of `course`'s classes."""
    if isinstance(held, FunctionType | type):
        return held.__module__ == module.__name__
    return _is_of_course(held)


def _holds(held: Any, functions: list[Any]) -> bool:
    """Tell whether an object of `course`, such as a recipe, has a withheld function in it."""
    parts = vars(held).values() if _is_of_course(held) and hasattr(held, "__dict__") else ()
    return any(part is function for part in parts for function in functions)


def _is_of_course(held: Any) -> bool:
    return type(held).__module__.partition(".")[0] == "course"


def _strip(kind: type) -> None:
    """Take a class's methods away: the class itself can be found by way of its bases."""
    for name in list(vars(kind)):
        if not name.startswith("__"):
            delattr(kind, name)


def _source(original: Any) -> Iterator[str]:
    try:
        yield inspect.getsourcefile(inspect.unwrap(original)) or ""
    except TypeError:
        return


_OWN: list[str] = []


def note_modules() -> None:
    """Note before the first fork what children will look for, so that they touch nothing else."""
    keep_course_modules()
    _OWN[:] = [name for name in sys.modules if name.partition(".")[0] == "autograder"]


def forget_autograder() -> None:
    """Leave nothing of the real package in `sys.modules`, and put a stub in its place."""
    for name in _OWN:
        sys.modules.pop(name, None)
    sys.modules["autograder"] = stub()


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
