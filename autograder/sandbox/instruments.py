"""Inside the student's process: take away what would be the answer.

Three things go. The `course` functions that a lab withholds are replaced, under every name by which
they can be reached, by an object that says whose work it is. So is all else that their modules
define, since the helper of a withheld function is most of the answer. And `autograder` becomes a
package in which `check` and `hint` do nothing, so that a notebook runs from first cell to last.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from types import FunctionType, ModuleType
from typing import Any

from autograder.withhold import Held, Places, Withheld, find, keep_course_modules


@dataclass(frozen=True)
class Plan:
    """What has to go for a lab: places and names, and nothing of what will be gone.

    A fork server makes it before the fork: looking for the places takes longer than all the rest,
    and copies a page of memory for nearly every object that is looked at.

    Attributes:
        refusals: module or class, attribute, and what is said to be withheld.
        stripped: classes and what is taken out of them.
        sources: the source files that show what is withheld.

    """

    refusals: tuple[tuple[Any, str, str], ...]
    stripped: tuple[tuple[type, str], ...]
    sources: frozenset[str]

    def carry_out(self) -> None:
        """Take it all away from this process."""
        for owner, attribute, name in self.refusals:
            setattr(owner, attribute, Withheld(name))
        for kind, name in self.stripped:
            delattr(kind, name)


@lru_cache
def plan(names: tuple[str, ...]) -> Plan:
    """Return what has to go with these dotted names.

    Raises:
        ImportError, AttributeError: the lab withholds something that does not exist.

    """
    held = find(names)
    refusals = {
        (id(one.owner), one.attribute): (one.owner, one.attribute, one.name) for one in held
    }
    stripped = []
    for name, helper, places in _helpers(held):
        for owner, attribute in places:
            refusals.setdefault((id(owner), attribute), (owner, attribute, name))
        if isinstance(helper, type):
            # Its methods too: the class itself can be found by way of its bases.
            stripped += [(helper, inner) for inner in vars(helper) if not inner.startswith("__")]
    sources = frozenset(source for one in held for source in _source(one.original))
    return Plan(tuple(refusals.values()), tuple(dict.fromkeys(stripped)), sources)


def _helpers(held: list[Held]) -> Iterator[tuple[str, Any, list[tuple[Any, str]]]]:
    """Yield what a withheld function's module defines, and what elsewhere holds the function.

    A withheld method takes none of its class's module with it, which is of use without it.
    """
    functions = [one.original for one in held if isinstance(one.owner, ModuleType)]
    modules = {getattr(function, "__module__", None) for function in functions}
    places = Places()
    for module in places.modules:
        own = module.__name__ in modules
        for name, item in vars(module).items():
            if (own and _is_made_in(module, item)) or _holds(item, functions):
                yield f"{module.__name__}.{name}", item, places.of(item)


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
