"""The notebook that nbgrader's formgrader and feedback show: what was handed in, with its marks.

nbgrader finds an answer, its score and its comment by the grade ids in a notebook's cells, and
submissions arrive without them (Colab drops them), with two of a kind, or as scripts. So the marks
of the released notebook are put on the cells that Glassbox found to be the answers; marked cells
that are missing come back where they belong. Locked cells get the released text, outputs go, and a
cell's own metadata too: nothing that a student wrote there means anything to nbgrader. Formgrader
shows Markdown as HTML, in the instructor's Jupyter: text that could act there is shown as text.
"""

from __future__ import annotations

import copy
import re
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
# A tag, an entity, an address that is a program. Rather too much: what is taken for one only loses
# its looks.
_ACTIVE = re.compile(r"<[a-z!/?]|&[#a-z]|(?:script|data):\S", re.IGNORECASE)


def autograded(
    released: NotebookNode, path: Path | None, lab: str, exercises: Sequence[str]
) -> NotebookNode:
    """Return a submission as a notebook with the marks of the released one.

    Args:
        released: the notebook that was handed out.
        path: the file that was handed in; without one, or with one that cannot be read, the
            released notebook itself with a line that says so.
        lab: the lab it answers.
        exercises: function names, in the lab's order.

    """
    marked = {grade_id(cell.metadata): cell for cell in released.cells if grade_id(cell.metadata)}
    try:
        if path is None or path.is_symlink():
            raise SubmissionError("there is no file")
        handed_in = _handed_in(path)
        submission = read(path, lab, exercises)
    except Exception:  # as in grading: whatever a file can hold, it is the file that is at fault
        cells = [new_markdown_cell(SENTENCES["unreadable"]), *map(_copy, released.cells)]
        return _numbered(cells, released)
    answers = {c.index: f"{lab}-{c.exercise}" for c in submission.cells if c.exercise}
    texts = {cell.source for cell in released.cells}
    places: dict[str, NotebookNode] = {}
    cells = []
    for kind, cell in handed_in:
        node = _NEW[kind](cell.source)
        node = node if cell.source in texts else _harmless(node)
        name = _mark(cell, answers, marked)
        if name not in places and name in marked and marked[name].cell_type == node.cell_type:
            node.metadata = copy.deepcopy(marked[name].metadata)
            node.source = marked[name].source if _locked(marked[name]) else node.source
            places[name] = node
        cells.append(node)
    return _numbered(_with_missing(cells, places, marked), released)


def _mark(cell: RawCell, answers: dict[int, str], marked: dict[str, NotebookNode]) -> str:
    """Return a cell's grade id: of the answer that it is, its own, or that of its locked text."""
    if cell.number in answers:
        return answers[cell.number]
    own = grade_id(cell.metadata)
    if not own:
        text = cell.source.strip()
        same = (name for name, one in marked.items() if _locked(one) and one.source.strip() == text)
        return next(same, "")
    return "" if own in answers.values() else own


def _harmless(cell: NotebookNode) -> NotebookNode:
    """Return a cell of which nothing runs when it is shown: HTML and the like become plain text."""
    active = _ACTIVE.search(cell.source.replace("\\", ""))
    if (cell.cell_type == "markdown" and active) or cell.cell_type == "raw":
        longest = max(map(len, re.findall("~+", cell.source)), default=0)
        fence = "~" * max(3, longest + 1)
        cell = new_markdown_cell(f"{fence}\n{cell.source}\n{fence}", metadata=cell.metadata)
    return cell


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
