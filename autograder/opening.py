"""Open a submitted file and take its cells out, whatever state it is in.

The file is data of a stranger's: it is read as text with limits, never executed or unpickled.
"""

from __future__ import annotations

import ast
import codecs
import json
import re
import stat
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from autograder.names import parse

MAX_BYTES = 20_000_000
MAX_CELLS = 2000
MAX_CODE = 300_000
SUFFIXES = (".ipynb", ".py")

_HEADING = re.compile(r"#\s*(?:%%|In\s?\[[\d ]*\]:?)(.*)")
_BLOCK = re.compile(r"(?:@|def\b|class\b|async def\b)")


class SubmissionError(ValueError):
    """A submission, or a path to some, that cannot be read: what, where and what to do."""


@dataclass
class RawCell:
    """A code cell as it lies in the file; `number` counts all cells from 1."""

    number: int
    source: str
    metadata: dict[str, Any] = field(default_factory=dict)


def shown(path: Path | str) -> str:
    """Return a path as text for one line of a message."""
    return "".join(letter if letter.isprintable() else "?" for letter in str(path))


def open_cells(path: Path) -> tuple[list[RawCell], list[str]]:
    """Return a file's code cells and, in plain sentences, what had to be mended to read them.

    Raises:
        SubmissionError: no such file, too large, too many cells, not text, not a notebook.

    """
    text, mended = _text(path)
    notebook = path.suffix == ".ipynb"
    if not notebook:
        _check_length(len(text), path)
    cells = _notebook_cells(text, path, mended) if notebook else _script(_plain(text), mended)
    if len(cells) > MAX_CELLS:
        raise SubmissionError(
            f"{shown(path)}: {len(cells):,} cells of code, at most {MAX_CELLS:,} are read; remove "
            "what is no answer"
        )
    _check_length(sum(len(cell.source) for cell in cells), path)
    if any("\r" in piece for piece in ([cell.source for cell in cells] if notebook else [text])):
        mended.append("Windows line ends were read as plain ones.")
    for cell in cells:
        # A lone surrogate is legal JSON, but no text that could be passed on.
        cell.source = _plain(cell.source).encode("utf-8", "replace").decode()
    return cells, mended


def _check_length(letters: int, path: Path) -> None:
    if letters > MAX_CODE:
        raise SubmissionError(
            f"{shown(path)}: more than {MAX_CODE:,} characters of code; remove what is no answer"
        )


def read_limited(path: Path, limit: int | None = None) -> bytes:
    """Return the bytes of an ordinary file of at most `limit` (MAX_BYTES) bytes."""
    limit = limit or MAX_BYTES
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise SubmissionError(f"{shown(path)} is not a file; name a notebook or a script")
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        why = error.strerror or "cannot be read"
        raise SubmissionError(f"{shown(path)} cannot be read: {why}; check the path") from error
    if len(data) > limit:
        raise SubmissionError(
            f"{shown(path)} is larger than {limit // 1_000_000} MB; clear its outputs and hand it "
            "in again"
        )
    return data


def _text(path: Path) -> tuple[str, list[str]]:
    data = read_limited(path)
    mended = []
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        mended.append("The file was UTF-16, not UTF-8.")
        text = data.decode("utf-16", "replace")
    else:
        text = data.decode("utf-8-sig", "replace")
        if data.startswith(codecs.BOM_UTF8):
            mended.append("A byte-order mark at the file's start was skipped.")
        if "\N{REPLACEMENT CHARACTER}" in text and not _is_utf8(data):
            mended.append("The file was not UTF-8: letters that could not be read were replaced.")
    if "\0" in text:
        raise SubmissionError(f"{shown(path)} is not text; hand in the notebook or script itself")
    return text, mended


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def open_notebook(path: Path) -> list[tuple[str, RawCell]]:
    """Return every cell of a notebook with its kind: `code`, `markdown` or `raw`.

    Raises:
        SubmissionError: as `open_cells` does.

    """
    text, mended = _text(path)
    raws = _raw_cells(text, path, mended)
    if len(raws) > MAX_CELLS:
        raise SubmissionError(f"{shown(path)}: {len(raws):,} cells, at most {MAX_CELLS:,} are read")
    cells = []
    for number, raw in enumerate(raws, start=1):
        kind = raw.get("cell_type") if isinstance(raw, dict) else None
        if kind in ("code", "markdown", "raw"):
            cell = _cell(number, raw)
            cell.source = _plain(cell.source).encode("utf-8", "replace").decode()
            cells.append((kind, cell))
    return cells


def _notebook_cells(text: str, path: Path, mended: list[str]) -> list[RawCell]:
    raws = enumerate(_raw_cells(text, path, mended), start=1)
    return [
        _cell(number, raw)
        for number, raw in raws
        if isinstance(raw, dict) and raw.get("cell_type") == "code"
    ]


def _raw_cells(text: str, path: Path, mended: list[str]) -> list[Any]:
    """Return what stands in a notebook's list of cells, whatever it is."""
    try:
        notebook = json.loads(text)
    except (ValueError, RecursionError):
        raise SubmissionError(
            f"{shown(path)} is not a notebook: it is not JSON; open it in Jupyter, save and hand "
            "it in again"
        ) from None
    raw = notebook.get("cells") if isinstance(notebook, dict) else None
    if raw is None and isinstance(notebook, dict) and isinstance(notebook.get("worksheets"), list):
        mended.append("A notebook of an older format was read as a new one.")
        raw = _sheets(notebook["worksheets"])
    if not isinstance(raw, list):
        raise SubmissionError(
            f"{shown(path)} is JSON but not a notebook: it has no list of cells; hand in the .ipynb"
        )
    return raw


def _sheets(worksheets: list[Any]) -> list[Any] | None:
    """Return the cells of an older format's sheets, or None when a sheet holds no list of them."""
    sheets = [sheet for sheet in worksheets if isinstance(sheet, dict)]
    held = [sheet.get("cells") or [] for sheet in sheets]
    if not all(isinstance(cells, list) for cells in held):
        return None
    return [cell for cells in held for cell in cells]


def _cell(number: int, raw: dict[str, Any]) -> RawCell:
    source = raw.get("source", raw.get("input", ""))
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    metadata = raw.get("metadata")
    return RawCell(
        number,
        source if isinstance(source, str) else "",
        metadata if isinstance(metadata, dict) else {},
    )


def _script(text: str, mended: list[str]) -> list[RawCell]:
    cells = percent_cells(text)
    if cells is None:
        mended.append("The script had no `# %%` lines: each of its functions was read as a cell.")
        return [RawCell(number, part) for number, part in enumerate(_blocks(text), start=1)]
    return cells


def percent_cells(text: str) -> list[RawCell] | None:
    """Split a percent script at its `# %%` lines; None when it has none.

    A heading's `exercise="name"` and title become metadata. Nothing is parsed, so that a slip in
    one cell stays in it.
    """
    pieces: list[tuple[str, list[str]]] = [("", [])]
    for line in text.split("\n"):
        heading = _HEADING.match(line)
        if heading:
            pieces.append((heading[1].strip(), []))
        else:
            pieces[-1][1].append(line)
    if len(pieces) == 1:
        return None
    if not "".join(pieces[0][1]).strip():
        del pieces[0]
    return [
        RawCell(number, "\n".join(lines).strip("\n"), _marks(heading))
        for number, (heading, lines) in enumerate(pieces, start=1)
        if "[markdown]" not in heading
    ]


def _marks(heading: str) -> dict[str, Any]:
    exercise = re.search(r"""\bexercise\s*=\s*["']?(\w+)""", heading)
    if exercise:
        return {"exercise": exercise[1]}
    return {"title": "check"} if heading == "check" else {}


def _blocks(text: str) -> list[str]:
    """Split a plain script before each top-level function or class, so that each fails alone."""
    lines = text.split("\n")
    tree = parse(text)
    starts = {0, len(lines)}
    if tree is None:
        blocks = [place for place, line in enumerate(lines) if _BLOCK.match(line)]
        starts |= {place for place in blocks if not lines[max(place - 1, 0)].startswith("@")}
    else:
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                first = min(part.lineno for part in [node, *node.decorator_list])
                starts |= {first - 1, node.end_lineno or first}
    cuts = sorted(starts)
    parts = ["\n".join(lines[a:b]).strip("\n") for a, b in pairwise(cuts)]
    return [part for part in parts if part.strip()]
