"""Read a lab's source, a percent script, into cells, and refuse what could not be graded.

The script is the only thing an author writes: text, stubs with `### BEGIN SOLUTION` and
`### END SOLUTION`, and check cells (jupytext's percent format). The rules are few and each has an
error of its own, because a slip here would cost a whole class its marks.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass

import jupytext

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
NAME = re.compile(r"[a-z_][a-z0-9_]*")
LAB_CELL = 'from autograder import lab\n\ncheck, hint = lab("{lab}")'


class ScriptError(ValueError):
    """A source script from which no lab can be built."""


@dataclass(frozen=True)
class ScriptCell:
    """One cell of the source: `kind` is markdown, lab, code, exercise or check."""

    kind: str
    source: str
    name: str = ""
    points: float = 0

    @property
    def tag(self) -> str:
        """What this cell is, as a short text: `exercise:induction_score`, or just `markdown`."""
        return f"{self.kind}:{self.name}" if self.name else self.kind


def read_script(text: str, lab: str) -> list[ScriptCell]:
    """Return the cells of a lab's source script.

    Raises:
        ScriptError: in one line, where in the script, what is wrong and what was expected.

    """
    try:
        ast.parse(text)
    except SyntaxError as error:
        raise ScriptError(f"{lab}.py, line {error.lineno}: not valid Python: {error.msg}") from None
    notebook = jupytext.reads(text, fmt="py:percent")
    cells = []
    for number, raw in enumerate(notebook.cells, start=1):
        try:
            cells.append(_cell(raw, lab, first=not any(c.kind != "markdown" for c in cells)))
        except ScriptError as error:
            first_line = raw.source.partition("\n")[0]
            message = f"{lab}.py, cell {number} (`{first_line}`): {error}"
            raise ScriptError(message) from None
    _check_whole(cells, lab)
    return cells


def exercises(cells: Iterable[ScriptCell]) -> list[ScriptCell]:
    """Return the exercise cells, in order."""
    return [cell for cell in cells if cell.kind == "exercise"]


def _cell(raw, lab: str, *, first: bool) -> ScriptCell:
    """Classify one of jupytext's cells; `first` until a code cell has been seen."""
    marks = {key: value for key, value in raw.metadata.items() if key != "lines_to_next_cell"}
    if raw.cell_type == "markdown":
        _refuse_markers(raw.source)
        return ScriptCell("markdown", raw.source)
    if raw.cell_type != "code":
        raise ScriptError(f"a {raw.cell_type} cell; a lab has only markdown and code")
    if first:
        return _lab_cell(raw.source, lab)
    if "exercise" in marks:
        return _exercise_cell(raw.source, marks)
    if marks.get("title") == "check":
        return ScriptCell("check", raw.source, _checked_name(raw.source))
    if marks:
        raise ScriptError(f"unknown marks {marks}; expected exercise=... points=..., or check")
    _refuse_markers(raw.source)
    return ScriptCell("code", raw.source)


def _lab_cell(source: str, lab: str) -> ScriptCell:
    expected = LAB_CELL.format(lab=lab)
    if source != expected:
        raise ScriptError(f"the first code cell must be exactly {expected!r}, got {source!r}")
    return ScriptCell("lab", source)


def _exercise_cell(source: str, marks: dict) -> ScriptCell:
    name, points = marks.pop("exercise"), marks.pop("points", None)
    if marks:
        raise ScriptError(f"unknown marks {marks} beside exercise and points")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise ScriptError(f"exercise={name!r} must be a function's name in lower case")
    if isinstance(points, bool) or not isinstance(points, int | float) or points <= 0:
        raise ScriptError(f"points={points!r} must be a number above 0, as in points=2")
    _check_markers(source)
    _check_function(source, name)
    return ScriptCell("exercise", source, name, points)


def _refuse_markers(source: str) -> None:
    if "BEGIN SOLUTION" in source or "END SOLUTION" in source:
        raise ScriptError('solution markers outside an exercise; mark the cell exercise="..."')


def _check_markers(source: str) -> None:
    """Refuse markers that are absent, unbalanced, or that nbgrader would read otherwise."""
    marks = [line.strip() for line in source.split("\n") if re.search("(BEGIN|END) SOLUTION", line)]
    if not marks:
        raise ScriptError(f"an exercise without solution markers; add {BEGIN} and {END}")
    if marks != [BEGIN, END] * (len(marks) // 2):
        raise ScriptError(f"unbalanced solution markers {marks}; expected {BEGIN}, then {END}")


def _check_function(source: str, name: str) -> None:
    statements = ast.parse(source).body
    defined = [getattr(node, "name", type(node).__name__) for node in statements]
    if len(statements) != 1 or not isinstance(statements[0], ast.FunctionDef):
        raise ScriptError(f"an exercise cell holds one function and nothing else, got {defined}")
    if defined != [name]:
        raise ScriptError(f"exercise={name!r} but the function is called {defined[0]!r}")
    if not ast.get_docstring(statements[0]):
        raise ScriptError(f"{name} has no docstring; it is what tells a learner what to return")


def _checked_name(source: str) -> str:
    match = re.fullmatch(r"check\((\w+)\)", source.strip())
    if match is None:
        raise ScriptError(f"a check cell holds only check(function), got {source!r}")
    return match[1]


def _check_whole(cells: list[ScriptCell], lab: str) -> None:
    """Pair exercises with checks: one of each, the exercise first."""
    if not any(cell.kind == "lab" for cell in cells):
        raise ScriptError(f"{lab}.py: no code cell; expected {LAB_CELL.format(lab=lab)!r} first")
    answered: list[str] = []
    checked: list[str] = []
    for cell in cells:
        names = {"exercise": answered, "check": checked}.get(cell.kind)
        if names is None:
            continue
        if cell.name in names:
            raise ScriptError(f"{lab}.py: two {cell.kind} cells for {cell.name!r}; names are keys")
        names.append(cell.name)
        if cell.name not in answered:
            raise ScriptError(f"{lab}.py: check({cell.name}) has no exercise cell before it")
    for name in answered:
        if name not in checked:
            raise ScriptError(f"{lab}.py: exercise {name!r} has no check cell; add `# %% check`")
