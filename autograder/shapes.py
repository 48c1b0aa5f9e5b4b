"""Shapes in words: axes by name, and what probably happened when two of them do not match."""

from __future__ import annotations

from collections import Counter
from itertools import combinations


def name_axes(axes: str | object, ndim: int) -> tuple[str, ...]:
    """Split an axis string such as "batch head query key"; unnamed axes become axis0, axis1, ..."""
    names = tuple(axes.split()) if isinstance(axes, str) else ()
    return names if len(names) == ndim else tuple(f"axis{place}" for place in range(ndim))


def describe_shape(axes: tuple[str, ...], shape: tuple[int, ...]) -> str:
    """Return "(batch, pos) = (2, 5)", or "(2, 5)" when the axes have no names."""
    sizes = f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"
    return f"({', '.join(axes)}) = {sizes}" if axes else sizes


def explain_shape(axes: tuple[str, ...], expected: tuple[int, ...], got: tuple[int, ...]) -> str:
    """Return a sentence with both shapes and the likely cause."""
    told = f"expected {describe_shape(axes, expected)}, got {describe_shape((), got)}"
    return told + _likely_cause(axes, expected, got)


def _likely_cause(axes: tuple[str, ...], expected: tuple[int, ...], got: tuple[int, ...]) -> str:
    for one, two in combinations(range(len(expected)), 2):
        swapped = list(expected)
        swapped[one], swapped[two] = swapped[two], swapped[one]
        if tuple(swapped) == got:
            return f": {axes[one]} and {axes[two]} look swapped"
    if Counter(expected) == Counter(got):
        return ": the axes look permuted"
    if len(got) == len(expected) - 1:
        for place, name in enumerate(axes):
            if expected[:place] + expected[place + 1 :] == got:
                return f": the axis {name} is missing (summed or averaged away?)"
    if len(got) == len(expected) + 1:
        for place in range(len(got)):
            if got[:place] + got[place + 1 :] == expected:
                return f": axis {place} of yours, of size {got[place]}, is one too many"
    if len(got) == len(expected):
        wrong = [
            (name, want, mine)
            for name, want, mine in zip(axes, expected, got, strict=True)
            if want != mine
        ]
        if len(wrong) == 1:
            name, want, mine = wrong[0]
            return f": {name} has {mine} entries instead of {want}"
    return ""
