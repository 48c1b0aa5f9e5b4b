"""Take away the `course` functions that would be the answer to an exercise.

A name is replaced wherever `course` holds the same object, so that a re-export does not give back
what was taken. `check` does it for the time of a call; a student's process for good.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any, NoReturn


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


@dataclass(frozen=True)
class Held:
    """Where a withheld function is, the function, and the name by which it is withheld."""

    owner: Any
    attribute: str
    original: Any
    name: str


@contextmanager
def withheld(names: Iterable[str]) -> Iterator[None]:
    """Replace each dotted name by a refusal, and put everything back at the end."""
    held = find(names)
    try:
        for one in held:
            setattr(one.owner, one.attribute, Withheld(one.name))
        yield
    finally:
        for one in reversed(held):
            setattr(one.owner, one.attribute, one.original)


def find(names: Iterable[str]) -> list[Held]:
    """Return all places of each dotted name, for example `course.zoo.induction_by_hand.build`.

    Raises:
        ImportError, AttributeError: a lab withholds something that does not exist.

    """
    found = [(name, *_owner(name)) for name in names]  # imports what is not there yet
    places = Places()
    held = []
    for name, owner, attribute in found:
        original = inspect.getattr_static(owner, attribute)
        of_original = places.of(original)
        if not isinstance(owner, ModuleType):
            of_original = [*of_original, (owner, attribute)]
        held += [Held(place, alias, original, name) for place, alias in of_original]
    return held


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


class Places:
    """Under which names, in which modules of `course`, each object can be found."""

    def __init__(self) -> None:
        self.modules = course_modules()
        self._by_object: dict[int, list[tuple[ModuleType, str]]] = defaultdict(list)
        for module in self.modules:
            for alias, held in vars(module).items():
                self._by_object[id(held)].append((module, alias))

    def of(self, held: Any) -> list[tuple[Any, str]]:
        """Return where an object was when this was made; it must have lived since."""
        return list(self._by_object.get(id(held), ()))


_KEPT: list[ModuleType] = []


def keep_course_modules() -> None:
    """Note the modules of `course` for good: a fork server does, when it has imported them all.

    Its children then need not go through `sys.modules`, where looking at an entry changes its
    count of references, and so copies a page of memory for nearly every module there is.
    """
    _KEPT[:] = course_modules()


def course_modules() -> list[ModuleType]:
    """Return the modules of `course` that have been imported."""
    if _KEPT:
        return list(_KEPT)
    loaded = list(sys.modules.items())
    return [module for name, module in loaded if name.partition(".")[0] == "course"]
