"""A lab for Otter-Grader: its notebook with Otter's check cells, and a test file per exercise.

A test file has a test case per public case, so that Otter gives points x cases passed / cases, as
we do. How well the tests are isolated from the answers is Otter's affair: not at all.
"""

from __future__ import annotations

import copy
from pathlib import Path

import nbformat
from jinja2 import Environment, PackageLoader, StrictUndefined
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from autograder.files import write_atomically
from autograder.paths import Rooms
from autograder.recorded import RecordedLab, load_lab


def write_otter(lab: str, out: Path, *, rooms: Rooms | None = None) -> list[Path]:
    """Write `<lab>.ipynb` and `tests/<exercise>.py` into a folder and return their paths.

    Raises:
        RecordingError, RoomMissingError: no such lab, or one that is not built.

    """
    recorded = load_lab(lab)
    path = (rooms or Rooms.here()).exercise(lab)
    notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
    files = {out / path.name: nbformat.writes(for_otter(notebook, recorded)) + "\n"}
    environment = Environment(
        loader=PackageLoader("autograder.exports"),
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    template = environment.get_template("otter_test.py.j2")
    for exercise in recorded.exercises:
        files[out / "tests" / f"{exercise.name}.py"] = template.render(exercise=exercise)
    for target, text in files.items():
        write_atomically(target, text.encode())
    return list(files)


def for_otter(notebook: NotebookNode, lab: RecordedLab) -> NotebookNode:
    """Return a lab's notebook whose checks are Otter's; hints stay ours.

    The cells keep their other metadata, so that `glassbox grade` finds the answers in it too.
    """
    notebook = copy.deepcopy(notebook)
    notebook.metadata["otter"] = {"assignment_name": lab.name}
    checks = {f"check({one.name})": f'grader.check("{one.name}")' for one in lab.exercises}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source = checks.get(cell.source, cell.source)
    source = f'import otter\n\ngrader = otter.Notebook("{lab.name}.ipynb")'
    locked = {"deletable": False, "editable": False}
    first = next(place for place, cell in enumerate(notebook.cells) if cell.cell_type == "code")
    notebook.cells.insert(first, new_code_cell(source, id="otter", metadata=locked))
    return notebook
