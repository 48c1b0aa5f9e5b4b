"""How `course.plots` lays out and labels its pictures; nothing here is about models."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from torch import Tensor

WIDTH = 7.0
BLUE, ORANGE, GREY = "#0072b2", "#d55e00", "#666666"
LINES = (BLUE, ORANGE, "#009e73", "#cc79a7", "#56b4e9", "#e69f00")
SMALL, MEDIUM, LARGE = 7, 8, 9

# In inches, in SMALL type.
LINE, LETTER, BAR = 0.12, 0.065, 0.65

Labels = Sequence[Any]


class Matrix(NamedTuple):
    """Values with a label for each row and column; None numbers them."""

    values: np.ndarray
    rows: Labels | None
    columns: Labels | None

    @property
    def texts(self) -> tuple[list[str], list[str]]:
        """Return the labels of the rows and of the columns as they are drawn."""
        row_count, column_count = self.values.shape
        return _texts(self.rows, row_count, "row"), _texts(self.columns, column_count, "column")

    def room(self, across: int, bars: int = 1) -> tuple[float, float]:
        """Return height and width, in inches, of one of `across` panels in a whole figure."""
        left = 0.3 + LETTER * _longest(self.texts[0])
        width = (WIDTH - left - bars * BAR) / across - 0.15
        height = width * self.values.shape[0] / self.values.shape[1]
        return min(4.2, max(0.6, height)), width

    def below(self, width: float) -> float:
        """Return the inches that the column labels take under a panel of this width."""
        longest = _longest(self.texts[1])
        return LINE if _fit(longest, width / self.values.shape[1]) else LETTER * longest


def panels(
    matrix: Matrix, count: int, across: int, title: str, bars: int = 1
) -> tuple[Figure, list[Axes]]:
    """Make a figure for `count` matrices like this one, `across` of them in a row."""
    down = math.ceil(count / across)
    height, width = matrix.room(across, bars)
    tall = height + matrix.below(width) + 0.55
    figure, axes = plt.subplots(
        down, across, figsize=(WIDTH, down * tall + 0.3), layout="constrained", squeeze=False
    )
    for unused in axes.flat[count:]:
        unused.remove()
    if title:
        figure.suptitle(title, fontsize=LARGE)
    return figure, list(axes.flat[:count])


def new_axes(height: float) -> Axes:
    """Make a figure with one Axes."""
    return plt.subplots(figsize=(WIDTH, height), layout="constrained")[1]


def figure_of(ax: Axes) -> Figure:
    """Return the figure that an Axes belongs to, also from within a subfigure."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    return figure


def draw(
    ax: Axes,
    matrix: Matrix,
    limits: tuple[float, float],
    room: tuple[float, float] | None = None,
    *,
    label_rows: bool = True,
    numbers: bool = True,
) -> AxesImage:
    """Draw a matrix with its labels and, where they fit, its numbers."""
    values = matrix.values
    height, width = room or reversed(figure_of(ax).get_size_inches() * ax.get_position().size)
    colours = colormaps["RdBu" if limits[0] < 0 else "Blues"].with_extremes(bad="#bbbbbb")
    aspect = "equal" if max(values.shape) <= 3 * min(values.shape) else "auto"
    shown = np.ma.masked_invalid(values)
    image = ax.imshow(shown, colours, vmin=limits[0], vmax=limits[1], aspect=aspect)
    _tick(ax, matrix, height, width, label_rows)
    if numbers and height / values.shape[0] > LINE and width / values.shape[1] > 5 * LETTER:
        for (row, column), value in np.ndenumerate(values):
            red, green, blue, _ = image.cmap(image.norm(value))
            colour = "white" if 0.3 * red + 0.6 * green + 0.1 * blue < 0.5 else "black"
            middle = {"ha": "center", "va": "center", "fontsize": SMALL, "color": colour}
            ax.text(column, row, number(value), **middle)
    return image


def limits_of(values: np.ndarray, *, signed: bool = False) -> tuple[float, float]:
    """Return the ends of a colour scale that has zero at its start or in its middle."""
    finite = values[np.isfinite(values)]
    largest = float(np.abs(finite).max(initial=0.0)) or 1.0
    return (-largest, largest) if signed or (finite < 0).any() else (0.0, largest)


def name(ax: Axes, title: str, across: str, down: str) -> None:
    """Write the title of a panel and what its two axes are."""
    ax.set_title(title, fontsize=LARGE)
    ax.set_xlabel(across, fontsize=MEDIUM)
    ax.set_ylabel(down, fontsize=MEDIUM)


def colour_bar(figure: Figure, image: AxesImage, axes: list[Axes], label: str = "") -> None:
    """Draw the scale of the colours to the right of `axes`."""
    bar = figure.colorbar(image, ax=axes, shrink=0.9, pad=0.02, aspect=25)
    bar.ax.tick_params(labelsize=SMALL)
    bar.set_label(label, fontsize=MEDIUM)


def text(label: Any) -> str:
    """Return a label as it should be read: no formulas, no line breaks, a leading space seen."""
    plain = str(label).replace("\n", "\\n").replace("\t", "\\t").replace("$", r"\$")
    return "␣" + plain[1:] if plain.startswith(" ") else plain


def number(value: float) -> str:
    """Write a number in at most five characters or so."""
    if not math.isfinite(value):
        return str(value)
    return f"{value:.2f}" if value == 0 or 0.005 <= abs(value) < 100 else f"{value:.0e}"


def array(tensor: Tensor) -> np.ndarray:
    """Return a tensor of any kind as numpy floats."""
    return tensor.detach().cpu().double().numpy()


def check_labels(what: str, labels: Labels, count: int) -> None:
    """Raise when there is not one label for each thing."""
    if len(labels) != count:
        raise ValueError(f"got {len(labels)} {what} labels, expected {count}: one for each {what}.")


def _tick(ax: Axes, matrix: Matrix, height: float, width: float, label_rows: bool) -> None:
    """Label rows and columns, every k-th where all of them would overlap."""
    rows, columns = matrix.texts
    step = max(1, math.ceil(len(rows) * LINE / height))
    ax.set_yticks(range(0, len(rows), step), rows[::step] if label_rows else [], fontsize=SMALL)
    flat = _fit(_longest(columns), width / len(columns))
    if flat or matrix.columns is not None:
        step = 1 if flat else max(1, math.ceil(len(columns) * LINE / width))
    else:
        step = math.ceil(len(columns) * (_longest(columns) + 1) * LETTER / width)
    ax.set_xticks(range(0, len(columns), step), columns[::step], fontsize=SMALL)
    ax.tick_params(length=2)
    if not flat and matrix.columns is not None:
        ax.tick_params(axis="x", rotation=90)


def _texts(labels: Labels | None, count: int, what: str) -> list[str]:
    if labels is None:
        return [str(index) for index in range(count)]
    check_labels(what, labels, count)
    return [text(label) for label in labels]


def _longest(texts: list[str]) -> int:
    return max(map(len, texts))


def _fit(letters: int, inches: float) -> bool:
    return (letters + 1) * LETTER < inches
