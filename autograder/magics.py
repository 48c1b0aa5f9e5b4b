"""Read past what only IPython understands: `%matplotlib inline`, `!pip install`, `%%time`, `f?`.

Such a line keeps a whole cell from being Python, and so from being read. Each becomes a comment in
its place, so that line numbers stay what the student sees. What runs is the cell as it was written.
"""

from __future__ import annotations

import re

from autograder.names import code_of, parse

# Cell magics whose cell is Python that an answer may stand in; any other cell is passed over whole.
PYTHON_CELLS = ("time", "timeit", "capture", "prun", "memit", "mprun")

_CELL = re.compile(r"%%(\w+)")
_LINE = re.compile(r"\s*(?:%{1,2}[A-Za-z_]|!|\?{1,2}[\w%])")
_HELP = re.compile(r"\s*%{0,2}[\w.*\[\]]+\?{1,2}\s*$")
_ASSIGNED = re.compile(r"[\w.,\s\[\]]+=\s*(?:!|%[A-Za-z])")
# What `nbconvert --to script` and some editors make of them.
_EXPORTED = re.compile(r"\s*get_ipython\(\)\.(?:run_line_magic|system|magic|getoutput)\(.*\)\s*$")
_PROGRAMS = r"(?:pip|conda|mamba|micromamba|uv|system|sx|bash|sh|script|cmd|perl|ruby|js|!)"
_COMMAND = re.compile(
    rf"\s*(?:!|%{{1,2}}{_PROGRAMS})"
    r"|[\w.,\s\[\]]+=\s*!"
    rf"|.*get_ipython\(\)\.(?:system\(|getoutput\(|run_line_magic\('{_PROGRAMS})"
)


def is_command(line: str) -> bool:
    """Tell whether a line that was turned off would start another program."""
    return _COMMAND.match(line) is not None


def turn_off(source: str) -> tuple[str, list[str]]:
    """Return the cell with such lines commented out, and those lines."""
    lines = source.split("\n")
    off: list[str] = []
    if code_of(source).tree is not None:
        for place, line in enumerate(lines):
            if _EXPORTED.match(line):
                off.append(line.strip())
                lines[place] = _comment(line)
        changed = "\n".join(lines)
        return (changed, off) if off and parse(changed) is not None else (source, [])
    whole = _cell_magic(lines)
    if whole is not None:
        off.append(lines[whole].strip())
        name = _CELL.match(lines[whole])
        if name is None or name[1] not in PYTHON_CELLS:
            return "\n".join(f"# {line}" for line in lines), off
        lines[whole] = f"# {lines[whole]}"
    scanner = _Scanner()
    continued = False
    for place, line in enumerate(lines):
        if continued or (not scanner.inside and _is_magic(line)):
            lines[place] = f"# {line}" if continued else _comment(line)
            if not continued:
                off.append(line.strip())
            continued = line.rstrip().endswith("\\")
        else:
            scanner.feed(line)
    return "\n".join(lines), off


def _cell_magic(lines: list[str]) -> int | None:
    for place, line in enumerate(lines):
        if line.strip():
            return place if line.startswith("%%") else None
    return None


def _is_magic(line: str) -> bool:
    return any(shape.match(line) for shape in (_LINE, _HELP, _ASSIGNED, _EXPORTED))


def _comment(line: str) -> str:
    """Return a comment that may also stand as the only line of a block."""
    body = line.lstrip()
    indent = line[: len(line) - len(body)]
    return f"{indent}pass  # {body}" if indent else f"# {body}"


class _Scanner:
    """Follow strings and brackets from line to line, to know where a statement can begin."""

    def __init__(self) -> None:
        self.depth = 0
        self.quote = ""
        self.continued = False

    @property
    def inside(self) -> bool:
        return bool(self.depth or self.quote or self.continued)

    def feed(self, line: str) -> None:
        place, comment = 0, False
        while place < len(line) and not comment:
            place, comment = self._step(line, place)
        self.continued = not comment and line.endswith("\\")
        if len(self.quote) == 1 and not self.continued:
            self.quote = ""

    def _step(self, line: str, place: int) -> tuple[int, bool]:
        """Read one character, or one quote; tell whether the rest is a comment."""
        if self.quote:
            if line[place] == "\\":
                return place + 2, False
            if line.startswith(self.quote, place):
                place += len(self.quote)
                self.quote = ""
                return place, False
            return place + 1, False
        character = line[place]
        if character in "\"'":
            triple = character * 3
            self.quote = triple if line.startswith(triple, place) else character
            return place + len(self.quote), False
        self.depth += (character in "([{") - (character in ")]}")
        self.depth = max(self.depth, 0)
        return place + 1, character == "#"
