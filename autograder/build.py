"""Derive a lab's notebooks and student script from its one source, `solutions/<lab>.py`.

nbgrader's own preprocessors strip the solutions, lock cells, compute checksums and validate, so
what comes out is what `nbgrader generate_assignment` would make of `solutions/<lab>.ipynb`. The
bytes depend on the source alone: cell ids are derived, and no tool writes its version.
"""

from __future__ import annotations

import ast
import copy
import hashlib
import importlib
import importlib.util
from collections.abc import Callable, Iterable
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader.preprocessors import (
    CheckCellMetadata,
    ClearOutput,
    ClearSolutions,
    ComputeChecksums,
    LockCells,
)

from autograder.drift import Drift
from autograder.files import write_atomically
from autograder.paths import Rooms
from autograder.script import ScriptCell, ScriptError, exercises, read_script
from autograder.spec import Lab

FindSpec = Callable[[str], Lab | None]

# nbgrader's order in generate_assignment.
RELEASE = (LockCells, ClearSolutions, ClearOutput, CheckCellMetadata, ComputeChecksums)
SOURCE = (ClearOutput, CheckCellMetadata)
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def find_spec(lab: str) -> Lab | None:
    """Return what `autograder/labs/<lab>` says about a lab, or None when nobody wrote it yet."""
    module = f"autograder.labs.{lab}"
    if importlib.util.find_spec(module) is None:
        return None
    return importlib.import_module(module).LAB


def build(
    labs: Iterable[str] | None = None,
    check: bool = False,
    *,
    rooms: Rooms | None = None,
    spec: FindSpec = find_spec,
) -> list[Drift]:
    """Write every derived file that is not what its source gives, and return which these were.

    With `check` nothing is written. Without `labs`, all labs are built and derived files that have
    no source are reported too; they are never removed, since they may be someone's work.

    Raises:
        ScriptError: a source that cannot be built, or that its spec contradicts.
        RoomMissingError: an unknown lab, or a copy of the course without solutions.

    """
    rooms = rooms or Rooms.here()
    names = rooms.written_labs() if labs is None else list(labs)
    files: dict[Path, bytes] = {}
    for name in names:
        files |= derive(rooms, name, spec(name))
    drifts = [Drift(path, what) for path, data in files.items() if (what := _compare(path, data))]
    if not check:
        for drift in drifts:
            write_atomically(drift.path, files[drift.path])
    return drifts + (_strays(rooms, names) if labs is None else [])


def derive(rooms: Rooms, lab: str, spec: Lab | None) -> dict[Path, bytes]:
    """Return the three files that follow from a lab's source: path -> bytes."""
    cells = read_script(rooms.solution(lab).read_text(encoding="utf-8"), lab)
    if spec is not None:
        _check_spec(cells, spec)
    notebook = _notebook(cells, lab)
    solution = _process(notebook, SOURCE)
    exercise = _process(notebook, RELEASE)
    _check_stubs(cells, exercise)
    return {
        rooms.exercises / f"{lab}.ipynb": _notebook_bytes(exercise),
        rooms.exercises / f"{lab}.py": _percent_script(cells, exercise).encode(),
        rooms.solutions / f"{lab}.ipynb": _notebook_bytes(solution),
    }


def _check_spec(cells: list[ScriptCell], spec: Lab) -> None:
    """Refuse a script and a spec that disagree about the exercises, their order or their points."""
    script = [(cell.name, cell.points) for cell in exercises(cells)]
    known = [(exercise.name, exercise.points) for exercise in spec.exercises]
    for ours, theirs in zip(script, known, strict=False):
        if ours != theirs:
            raise ScriptError(
                f"{spec.name}.py has {ours[0]} with points={ours[1]:g}, but autograder/labs has "
                f"{theirs[0]} with points={theirs[1]:g} in its place; make them agree"
            )
    if len(script) != len(known):
        raise ScriptError(
            f"{spec.name}.py has the exercises {[name for name, _ in script]}, but autograder/labs "
            f"has {[name for name, _ in known]}; make them agree"
        )


def _notebook(cells: list[ScriptCell], lab: str) -> NotebookNode:
    points = {cell.name: cell.points for cell in exercises(cells)}
    notebook = new_notebook(metadata=METADATA)
    for index, cell in enumerate(cells):
        make = new_markdown_cell if cell.kind == "markdown" else new_code_cell
        digest = hashlib.sha256(f"{lab}/{index}/{cell.tag}".encode()).hexdigest()
        metadata = _metadata(cell, lab, points.get(cell.name, 0))
        notebook.cells.append(make(cell.source, id=digest[:12], metadata=metadata))
    return notebook


def _metadata(cell: ScriptCell, lab: str, points: float) -> dict:
    """Return a cell's metadata: nbgrader's schema v3, and ours under a key of its own."""
    if cell.kind == "exercise":
        mark = {"v": 1, "exercise": f"{lab}/{cell.name}", "entry": cell.name}
        answer = _nbgrader(f"{lab}-{cell.name}", solution=True)
        return {"tags": ["exercise"], "glassbox": mark, "nbgrader": answer}
    if cell.kind == "check":
        tests = _nbgrader(f"{lab}-{cell.name}-check", grade=True, locked=True)
        return {"nbgrader": {**tests, "points": points}}
    if cell.kind == "lab":
        return {"nbgrader": _nbgrader(f"{lab}-lab", locked=True)}
    return {}


def _nbgrader(grade_id: str, **flags: bool) -> dict:
    off = {"grade": False, "locked": False, "solution": False, "task": False}
    return {"schema_version": 3, "grade_id": grade_id, **off, **flags}


def _process(notebook: NotebookNode, steps: Iterable[type]) -> NotebookNode:
    """Return a processed copy; the preprocessors themselves work in place."""
    notebook, resources = copy.deepcopy(notebook), {}
    for step in steps:
        notebook, resources = step()(notebook, resources)
    return notebook


def _check_stubs(cells: list[ScriptCell], stripped: NotebookNode) -> None:
    """Refuse a stub that is not its solution less the body: same signature, same docstring."""
    for cell, stub in zip(cells, stripped.cells, strict=True):
        if cell.kind != "exercise":
            continue
        try:
            faces = [_face(source) for source in (cell.source, stub.source)]
        except SyntaxError as error:
            raise ScriptError(f"{cell.name}: the stub is not valid Python: {error.msg}") from None
        if faces[0] != faces[1]:
            raise ScriptError(
                f"{cell.name}: stripping changes signature or docstring; put ### BEGIN SOLUTION "
                "below the docstring"
            )


def _face(source: str) -> tuple[str, str | None]:
    """Return a function's decorators and signature, and its docstring."""
    function = ast.parse(source).body[0]
    assert isinstance(function, ast.FunctionDef)
    docstring = ast.get_docstring(function, clean=False)
    function.body = [ast.Pass()]
    return ast.unparse(function), docstring


def _percent_script(cells: list[ScriptCell], notebook: NotebookNode) -> str:
    """Return the notebook as a percent script that a student can hand in; it keeps the marks."""
    parts = []
    for cell, node in zip(cells, notebook.cells, strict=True):
        lines = node.source.split("\n")
        if cell.kind == "markdown":
            lines = [f"# {line}".rstrip() for line in lines]
        parts.append("\n".join([_heading(cell), *lines]))
    return "\n\n".join(parts) + "\n"


def _heading(cell: ScriptCell) -> str:
    marks = {
        "markdown": " [markdown]",
        "exercise": f' exercise="{cell.name}" points={cell.points:g}',
        "check": " check",
    }
    return "# %%" + marks.get(cell.kind, "")


def _notebook_bytes(notebook: NotebookNode) -> bytes:
    return (nbformat.writes(notebook).rstrip("\n") + "\n").encode()


def _compare(path: Path, data: bytes) -> str:
    """Say how the file differs from its bytes; an empty text when it does not."""
    if not path.is_file():
        return "is missing; run `glassbox build`"
    if path.read_bytes() != data:
        return "is not what its source gives; edit the script in solutions/, run `glassbox build`"
    return ""


def _strays(rooms: Rooms, labs: list[str]) -> list[Drift]:
    """Return the derived files that no source stands behind."""
    found = [
        *rooms.exercises.glob("*.ipynb"),
        *rooms.exercises.glob("*.py"),
        *rooms.solutions.glob("*.ipynb"),
    ]
    what = f"has no source in {rooms.solutions.name}/; remove it, or write its script"
    return [Drift(path, what) for path in sorted(found) if path.stem not in labs]
