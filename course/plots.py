"""Pictures of what a model does: tensors in, matplotlib Axes out.

Every function draws on the Axes given to it, or on a new figure as wide as a notebook's column, and
returns Axes for the caller to change, save or close. Nothing here calls `plt.show()`.

Colours can be told apart with any common colour blindness: white to blue for amounts, red over
white to blue for values of both signs with white at zero, grey for what is not finite (a masked
score).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from torch import Tensor

from course import _drawing as drawing
from course._drawing import BLUE, GREY, LINES, MEDIUM, ORANGE, SMALL, Labels, Matrix


def attention_patterns(
    pattern: Tensor,
    tokens: Labels | None = None,
    *,
    names: Labels | None = None,
    columns: int = 4,
    title: str = "",
) -> list[Axes]:
    """Draw the attention of each head as a small square: queries down, keys across.

    Args:
        pattern: (head query key), or (query key) for a single head; one sequence, no batch.
        tokens: a label for each position; positions are numbered when None.
        names: a name for each head; `head 0`, `head 1`, ... when None.
        columns: heads in a row.
        title: above the whole figure.

    Returns:
        One Axes for each head.

    """
    heads = drawing.array(pattern)
    heads = heads[None] if heads.ndim == 2 else heads
    if heads.ndim != 3 or 0 in heads.shape:
        raise ValueError(
            f"attention_patterns got shape {tuple(pattern.shape)}, expected (head, query, key) or "
            "(query, key). One picture shows one sequence: pass pattern[0] of a batch."
        )
    names = [f"head {head}" for head in range(len(heads))] if names is None else names
    drawing.check_labels("head", names, len(heads))
    columns = min(columns, len(heads))
    matrices = [Matrix(values, tokens, tokens) for values in heads]
    figure, grid = drawing.panels(matrices[0], len(heads), columns, title)
    room = matrices[0].room(columns)
    images = []
    for index, (ax, matrix) in enumerate(zip(grid, matrices, strict=True)):
        first = index % columns == 0
        images += [drawing.draw(ax, matrix, (0.0, 1.0), room, label_rows=first, numbers=False)]
        drawing.name(ax, str(names[index]), "key", "query" if first else "")
    drawing.colour_bar(figure, images[0], grid, "attention")
    return grid


def heat_map(
    matrix: Tensor,
    *,
    rows: Labels | None = None,
    columns: Labels | None = None,
    row_axis: str = "row",
    column_axis: str = "column",
    title: str = "",
    limits: tuple[float, float] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a matrix as colours, with numbers in the cells when they fit.

    Args:
        matrix: (row column).
        rows: a label for each row, for example tokens.
        columns: a label for each column.
        row_axis: what the rows are.
        column_axis: what the columns are.
        title: above the picture.
        limits: the values at the two ends of the colours; taken from the matrix when None.
        ax: where to draw.

    Returns:
        The Axes drawn on. Its colour bar is another Axes of the same figure.

    """
    labelled = Matrix(_two_axes("heat_map", matrix), rows, columns)
    room = None
    if ax is None:
        room = labelled.room(1)
        ax = drawing.panels(labelled, 1, 1, "")[1][0]
    scale = drawing.limits_of(labelled.values) if limits is None else limits
    image = drawing.draw(ax, labelled, scale, room)
    drawing.name(ax, title, column_axis, row_axis)
    drawing.colour_bar(drawing.figure_of(ax), image, [ax])
    return ax


def side_by_side(
    yours: Tensor,
    target: Tensor,
    *,
    rows: Labels | None = None,
    columns: Labels | None = None,
    row_axis: str = "row",
    column_axis: str = "column",
    title: str = "",
) -> list[Axes]:
    """Draw two matrices with the same colours, and what is left when the second is taken away.

    Args:
        yours: (row column).
        target: (row column), of the same shape.
        rows: a label for each row.
        columns: a label for each column.
        row_axis: what the rows are.
        column_axis: what the columns are.
        title: above the whole figure.

    Returns:
        Three Axes: yours, the target, yours minus target. Equal infinities differ by nothing.

    """
    mine, wanted = _two_axes("side_by_side", yours), _two_axes("side_by_side", target)
    if mine.shape != wanted.shape:
        raise ValueError(
            f"side_by_side got yours of shape {mine.shape} and a target of shape {wanted.shape}, "
            "expected equal shapes. If they are each other's reverse, transpose one."
        )
    rest = _difference(mine, wanted)
    shared = drawing.limits_of(np.stack([mine, wanted]))
    own = drawing.limits_of(rest, signed=True)
    names = ("yours", "target", "yours - target" if rest.any() else "no difference")
    matrices = [Matrix(values, rows, columns) for values in (mine, wanted, rest)]
    figure, grid = drawing.panels(matrices[0], 3, 3, title, bars=2)
    room = matrices[0].room(3, bars=2)
    images = []
    for index, (ax, matrix, scale) in enumerate(
        zip(grid, matrices, (shared, shared, own), strict=True)
    ):
        images += [drawing.draw(ax, matrix, scale, room, label_rows=index == 0)]
        drawing.name(ax, names[index], column_axis, row_axis if index == 0 else "")
    drawing.colour_bar(figure, images[0], grid[:2])
    drawing.colour_bar(figure, images[2], grid[2:])
    return grid


def residual_attribution(
    names: Labels,
    values: Tensor,
    *,
    unit: str = "contribution to the logit difference",
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw how much each part of the residual stream contributes, as bars from the first part down.

    Args:
        names: a name for each part, for example `embed`, `0.0` (layer and head), `mlp 1`.
        values: (part); positive bars are blue, negative ones orange.
        unit: what the numbers are.
        title: above the picture.
        ax: where to draw.

    """
    lengths = drawing.array(values)
    if lengths.ndim != 1:
        raise ValueError(
            f"residual_attribution got values of shape {lengths.shape}, expected (part,). Take one "
            "sequence and position, or the mean over them."
        )
    drawing.check_labels("part", names, len(lengths))
    where = range(len(lengths))
    ax = drawing.new_axes(0.8 + 0.22 * len(lengths)) if ax is None else ax
    bars = ax.barh(where, lengths, color=[ORANGE if length < 0 else BLUE for length in lengths])
    numbers = [drawing.number(length) for length in lengths]
    ax.bar_label(bars, numbers, padding=3, fontsize=SMALL)
    ax.margins(x=0.15)
    ax.axvline(0, color=GREY, linewidth=0.8)
    ax.set_yticks(where, [drawing.text(part) for part in names], fontsize=MEDIUM)
    ax.tick_params(axis="x", labelsize=SMALL)
    ax.invert_yaxis()
    ax.spines[["top", "right"]].set_visible(False)
    drawing.name(ax, title, unit, "part")
    return ax


def loss_by_position(
    losses: Tensor | Mapping[str, Tensor],
    *,
    mark: int | Mapping[str, int] | None = None,
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw the loss at each position, with a band of two standard errors when there is a batch.

    Args:
        losses: (pos) or (batch pos); a mapping draws one line for each name.
        mark: a position to mark, or a mapping from a label to its position.
        title: above the picture.
        ax: where to draw.

    """
    lines = losses if isinstance(losses, Mapping) else {"": losses}
    marks = mark if isinstance(mark, Mapping) else {} if mark is None else {"": mark}
    ax = drawing.new_axes(3.0) if ax is None else ax
    for index, (line, values) in enumerate(lines.items()):
        _line(ax, line, drawing.array(values), LINES[index % len(LINES)])
    if ax.dataLim.y0 >= 0:
        ax.set_ylim(bottom=0)
    above = ax.get_xaxis_transform()
    for label, position in marks.items():
        ax.axvline(position, color=GREY, linewidth=1, linestyle="--")
        ax.text(position, 1.01, drawing.text(label), transform=above, fontsize=SMALL, ha="center")
    if any(lines):
        ax.legend(fontsize=MEDIUM, frameon=False)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.tick_params(labelsize=SMALL)
    ax.spines[["top", "right"]].set_visible(False)
    drawing.name(ax, title, "position", "loss (nats)")
    ax.set_title(title, fontsize=drawing.LARGE, pad=14 if any(marks) else None)
    return ax


def _line(ax: Axes, name: str, values: np.ndarray, colour: str) -> None:
    """Draw one loss curve and, when it is a mean over sequences, its band."""
    if values.ndim not in (1, 2):
        raise ValueError(
            f"loss_by_position got shape {values.shape}, expected (pos,) or (batch, pos)."
        )
    batch = values if values.ndim == 2 else values[None]
    mean, count, where = batch.mean(axis=0), len(batch), range(batch.shape[1])
    label = f"{drawing.text(name)} (n={count})" if name and count > 1 else drawing.text(name)
    ax.plot(where, mean, color=colour, linewidth=1.5, label=label or None)
    if count > 1:
        band = 2 * batch.std(axis=0, ddof=1) / math.sqrt(count)
        ax.fill_between(where, mean - band, mean + band, color=colour, alpha=0.2, linewidth=0)


def _difference(mine: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Subtract, with nothing left where both are the same infinity or both not a number."""
    same = (mine == wanted) | (np.isnan(mine) & np.isnan(wanted))
    return np.subtract(mine, wanted, out=np.zeros_like(mine), where=~same)


def _two_axes(function: str, matrix: Tensor) -> np.ndarray:
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise ValueError(
            f"{function} got shape {tuple(matrix.shape)}, expected two axes, (row, column), "
            "neither of them empty. Index or average the others away first."
        )
    return drawing.array(matrix)
