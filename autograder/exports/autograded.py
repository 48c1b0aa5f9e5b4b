"""The notebook that nbgrader's formgrader and feedback show: what was handed in, with its marks.

nbgrader finds an answer, its score and its comment by the grade ids in a notebook's cells, and
submissions arrive without them (Colab drops them), with two of a kind, or as scripts. So the marks
of the released notebook are put on the cells that Glassbox found to be the answers; marked cells
that are missing come back where they belong. Locked cells get the released text, outputs go, and a
cell's own metadata too: nothing that a student wrote there means anything to nbgrader.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_raw_cell

from autograder.answers import grade_id
from autograder.feedback import SENTENCES
from autograder.opening import RawCell, SubmissionError, open_cells, open_notebook
from autograder.submissions import read

_NEW = {"code": new_code_cell, "markdown": new_markdown_cell, "raw": new_raw_cell}


def autograded(
    released: NotebookNode, path: Path | None, lab: str, exercises: Sequence[str]
) -> NotebookNode:
    """Return a submission as a notebook with the marks of the released one.

    Args:
        released: the notebook that was handed out; only its marked cells and metadata are used.
        path: the file that was handed in; without one, or with one that cannot be read, the
            released notebook itself with a line that says so.
        lab: the lab it answers.
        exercises: function names, in the lab's order.

    """
    marked = {grade_id(cell.metadata): cell for cell in released.cells if grade_id(cell.metadata)}
    try:
        if path is None or path.is_symlink():
            raise SubmissionError("there is no file")
        cells = _handed_in(path)
        submission = read(path, lab, exercises)
    except SubmissionError:
        cells = [new_markdown_cell(SENTENCES["unreadable"]), *map(_copy, released.cells)]
        return _numbered(cells, released)
    answers = {cell.index: cell.exercise for cell in submission.cells if cell.exercise}
    chosen = set(answers.values())
    by_source = {cell.source.strip(): name for name, cell in marked.items() if _locked(cell)}
    names = {f"{lab}-{exercise}": exercise for exercise in exercises}
    places: dict[str, NotebookNode] = {}
    made = []
    for kind, cell in cells:
        name = f"{lab}-{answers[cell.number]}" if cell.number in answers else None
        if name is None:
            own = grade_id(cell.metadata) or by_source.get(cell.source.strip(), "")
            name = None if names.get(own) in chosen else own
        if name in marked and name not in places and marked[name].cell_type == kind:
            node = _copy(marked[name])
            node.source = node.source if _locked(node) else cell.source
            places[name] = node
        else:
            node = _NEW[kind](cell.source)
        made.append(node)
    return _numbered(_with_missing(made, places, marked), released)


def _handed_in(path: Path) -> list[tuple[str, RawCell]]:
    """Return the cells of a notebook, or of a script; the numbers are those of `read`."""
    if path.suffix == ".ipynb":
        return open_notebook(path)
    return [("code", cell) for cell in open_cells(path)[0]]


def _with_missing(
    cells: list[NotebookNode], places: dict[str, NotebookNode], marked: dict[str, NotebookNode]
) -> list[NotebookNode]:
    """Return the cells with each marked one that is not there, after the one it follows."""
    for before, name in pairwise(["", *marked]):
        if name in places:
            continue
        after = places.get(before)
        where = next((at + 1 for at, cell in enumerate(cells) if cell is after), 0)
        places[name] = _copy(marked[name])
        cells.insert(where, places[name])
    return cells


def _copy(cell: NotebookNode) -> NotebookNode:
    """Return a released cell without outputs."""
    made = _NEW[cell.cell_type](cell.source)
    if grade_id(cell.metadata):
        made.metadata = copy.deepcopy(cell.metadata)
    return made


def _locked(cell: NotebookNode) -> bool:
    """Tell whether students are not to change a marked cell: nbgrader's own rule."""
    marks = cell.metadata.nbgrader
    return bool(not marks.get("solution") and (marks.get("grade") or marks.get("locked")))


def _numbered(cells: Iterable[NotebookNode], released: NotebookNode) -> NotebookNode:
    notebook = new_notebook(metadata=copy.deepcopy(released.metadata))
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number}"
        notebook.cells.append(cell)
    return notebook
