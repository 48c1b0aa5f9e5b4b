"""Values in a terminal: a window of each tensor with its axes named, expected beside got.

What a student's code returned is shown as data: signs that would steer a terminal are replaced.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from rich import box
from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from torch import Tensor

from autograder.compare import compare, misfitting
from autograder.shapes import describe_shape, name_axes
from autograder.verdict import listed

# What fits a terminal of 80 columns beside the row's name.
ROWS, COLUMNS, WIDTH = 8, 16, 64
# Enough to see what is where, and enough to see a small difference.
DIGITS, MANY_DIGITS = 4, 9
MAX_TEXT = 300
MAX_PARTS = 12
Places = Mapping[str, int]
# What stands before it, numbers, and which of them do not fit.
Row = tuple[str, Tensor, Tensor | None]


@dataclass(frozen=True)
class Window:
    """Some rows `of` a tensor's many, at a place of its other axes, around a column."""

    rows: list[Row]
    corner: str
    centre: int
    of: int = 0
    where: str = ""


def one(name: str, value: Any, axes: Any = "", at: Places | None = None) -> RenderableType:
    """Show one value: a tensor as its shape and a window, a model as its configuration.

    Args:
        name: what stands before it.
        value: anything that crosses between grader and student.
        axes: the axis names of a tensor, or a container of them like the value.
        at: positions on named axes, which the window is to show; 0 otherwise.

    """
    head = Text(f"{name}: {described(value, axes)}")
    if parts := _parts(value, axes):
        shown = [one(f"{name}{key}", part, inner, at) for key, part, inner in parts[:MAX_PARTS]]
        more = [Text(f"and {len(parts) - MAX_PARTS} more")] if len(parts) > MAX_PARTS else []
        return Group(head, *shown, *more)
    if not isinstance(value, Tensor) or value.ndim == 0 or value.numel() == 0:
        return head
    return Group(head, _table("", _window(value, name_axes(axes, value.ndim), at or {})))


def beside(expected: Any, got: Any, axes: Any, tolerance: float | None) -> RenderableType:
    """Show two answers side by side, with `*` at whatever of `got` does not fit."""
    parts = _parts(expected, axes) if _alike(expected, got) else []
    if parts:
        mine = [part for _, part, _ in _parts(got, "")]
        return Group(
            *(
                Group(Text(f"in {key}"), beside(part, other, inner, tolerance))
                for (key, part, inner), other in zip(parts, mine, strict=True)
            )
        )
    if isinstance(expected, Tensor) and _alike(expected, got) and expected.ndim > 0:
        return _two_tensors(expected, got, name_axes(axes, expected.ndim), tolerance or 0.0)
    same = compare(expected, got, axes=axes, tolerance=tolerance).passed
    return Group(one("expected", expected, axes), one("got" if same else "got*", got))


def described(value: Any, axes: Any = "") -> str:
    """Return a value in words, on one line: a tensor's dtype and shape, a short text of others."""
    match value:
        case Tensor() if value.ndim == 0 or value.numel() == 0:
            return f"{_dtype(value)} {_number(value) if value.numel() else tuple(value.shape)}"
        case Tensor():
            names = tuple(axes.split()) if isinstance(axes, str) else ()
            names = names if len(names) == value.ndim else ()
            return f"{_dtype(value)} {describe_shape(names, tuple(value.shape))}"
        case torch.nn.Module():
            return printable(f"{type(value).__name__}, {getattr(value, 'cfg', '')}")
        case set() | frozenset():
            return printable(listed(value))
        case dict() | list() | tuple():
            return f"{type(value).__name__} of {len(value)}"
        case _:
            return printable(repr(value))


def printable(text: str, most: int = MAX_TEXT) -> str:
    """Return text that is safe to print, on one line and not too long."""
    plain = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)
    return plain if len(plain) <= most else f"{plain[:most]}..."


def _parts(value: Any, axes: Any) -> list[tuple[str, Any, Any]]:
    """Return a container's parts, each with how it is reached and its axes."""
    match value:
        case dict():
            inner = axes if isinstance(axes, Mapping) else {}
            return [
                (printable(f"[{key!r}]"), part, inner.get(key, "")) for key, part in value.items()
            ]
        case list() | tuple():
            many = isinstance(axes, tuple) and len(axes) == len(value)
            return [
                (f"[{place}]", part, axes[place] if many else "")
                for place, part in enumerate(value)
            ]
    return []


def _alike(expected: Any, got: Any) -> bool:
    match expected, got:
        case Tensor(), Tensor():
            return expected.shape == got.shape and expected.numel() > 0
        case dict(), dict():
            return list(expected) == list(got)
        case ((list() | tuple()), (list() | tuple())):
            return len(expected) == len(got)
    return False


def _two_tensors(
    expected: Tensor, got: Tensor, axes: tuple[str, ...], tolerance: float
) -> RenderableType:
    misfits, _ = misfitting(expected, got, tolerance)
    first = misfits.nonzero()[0].tolist() if misfits.any() else [0] * expected.ndim
    alike = misfits.any() and _number(expected[tuple(first)]) == _number(got[tuple(first)])
    digits = MANY_DIGITS if alike else DIGITS
    at = dict(zip(axes, first, strict=True))
    if expected.ndim == 1:
        rows = [("expected", expected, None), ("got", got, misfits)]
        return _table("", Window(rows, axes[0], at[axes[0]]), digits)
    left, right = _window(expected, axes, at), _window(got, axes, at, misfits)
    columns = _fitting(left.rows + right.rows, left.centre, digits)
    tables = (_table("expected", left, digits, columns), _table("got", right, digits, columns))
    return Columns(tables, padding=(0, 4))


def _window(
    tensor: Tensor, axes: tuple[str, ...], at: Places, misfits: Tensor | None = None
) -> Window:
    """Return some rows of the last two axes around a place, at one place of the others."""
    places = [min(at.get(axis, 0), size - 1) for axis, size in zip(axes, tensor.shape, strict=True)]
    if tensor.ndim == 1:
        return Window([("", tensor, misfits)], axes[0], places[0])
    lead = tuple(places[:-2])
    rows = [
        (str(row), tensor[lead][row], None if misfits is None else misfits[lead][row])
        for row in _range(places[-2], tensor.shape[-2], ROWS)
    ]
    where = ", ".join(f"{axis}={place}" for axis, place in zip(axes, lead, strict=False))
    return Window(rows, f"{axes[-2]} \\ {axes[-1]}", places[-1], tensor.shape[-2], where)


def _fitting(rows: list[Row], centre: int, digits: int) -> Sequence[int]:
    """Return as many columns around a place as fit the width."""
    size = rows[0][1].shape[0]
    columns = _range(centre, size, COLUMNS)
    while len(columns) > 1:
        wide = max(len(_cell(row, place, digits)) for row in rows for place in columns)
        if len(columns) * (wide + 3) <= WIDTH:
            break
        columns = _range(centre, size, len(columns) - 1)
    return columns


def _table(
    title: str, window: Window, digits: int = DIGITS, columns: Sequence[int] | None = None
) -> Table:
    columns = columns or _fitting(window.rows, window.centre, digits)
    size = window.rows[0][1].shape[0]
    cut = [f"{len(window.rows)} of {window.of} rows"] if len(window.rows) < window.of else []
    cut += [f"{len(columns)} of {size} columns"] if len(columns) < size else []
    where = [f"at {window.where}"] if window.where else []
    told = " ".join([*filter(None, [title]), *where, *([f"({', '.join(cut)})"] if cut else [])])
    table = Table(
        title=Text(told) if told else None,
        title_justify="left",
        title_style="default",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    table.add_column(Text(window.corner), style="dim", no_wrap=True)
    for place in columns:
        table.add_column(str(place), justify="right", no_wrap=True)
    for row in window.rows:
        table.add_row(row[0], *(_cell(row, place, digits) for place in columns))
    return table


def _range(centre: int, size: int, most: int) -> Sequence[int]:
    """Return `most` positions around a place, or all there are."""
    start = max(0, min(centre - most // 2, size - most))
    return range(start, min(size, start + most))


def _cell(row: Row, place: int, digits: int) -> Text:
    _, numbers, wrong = row
    text = _number(numbers[place], digits)
    if wrong is not None and bool(wrong[place]):
        return Text(f"{text}*", style="bold red")
    return Text(text)


def _number(number: Tensor, digits: int = DIGITS) -> str:
    value = number.item()
    return f"{value:.{digits}g}" if isinstance(value, float | complex) else str(value)


def _dtype(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")
