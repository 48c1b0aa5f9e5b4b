"""A bar for work that turns out to be long."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from time import monotonic
from typing import Any, TypeVar

Item = TypeVar("Item")
PATIENCE = 1.0  # seconds; what is done sooner needs no bar


def bar(items: Sequence[Item], unit: str, *, show: bool = True) -> Iterator[Item]:
    """Yield the items; if they take more than a second, show how many are done on stderr."""
    began, shown = monotonic(), None
    for done, item in enumerate(items):
        if show and shown is None and monotonic() - began > PATIENCE:
            shown = _tqdm(total=len(items), initial=done, unit=unit)
        yield item
        if shown is not None:
            shown.update()
    if shown is not None:
        shown.close()


def _tqdm(**options: Any) -> Any:
    from tqdm.auto import tqdm  # starts a thread, so not before there is a bar

    return tqdm(**options)
