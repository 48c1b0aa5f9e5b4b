"""A CSV file that another system wrote: cells are filled, all else stays as it is, byte for byte.

Encoding mark, delimiter, line ends, quotes, columns and rows belong to the system that will read
the file back. Rows are never added.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from autograder.exports import ExportError
from autograder.files import write_atomically
from autograder.gradesheet import spreadsheet_safe

MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"
_NUMBER = re.compile(r"\d+(?:[.,]\d+)?")


@dataclass
class _Row:
    """A row's fields as they stand in the file, quotes included, and what ends its line."""

    fields: list[str]
    end: str


class Sheet:
    """The cells of a CSV file; row 0 is its header."""

    def __init__(self, path: Path) -> None:
        """Read a file.

        Raises:
            ExportError: it is not UTF-8 text, or empty.

        """
        self.path = path
        try:
            # In UTF-8 alone a name is sure to be found again.
            text = path.read_bytes().decode("utf-8")
        except UnicodeDecodeError:
            raise ExportError(
                f"{path} is not UTF-8 text; export it again, or save it as CSV UTF-8"
            ) from None
        self._mark = MARK if text.startswith(MARK) else ""
        text = text.removeprefix(MARK)
        by_delimiter = {delimiter: _rows(text, delimiter) for delimiter in ",;\t"}
        self.delimiter = max(by_delimiter, key=lambda one: _width(by_delimiter[one]))
        self._rows = by_delimiter[self.delimiter]
        if _width(self._rows) < 2:
            raise ExportError(f"{path} is no table: its first line has no columns")

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def header(self) -> list[str]:
        """The names of the columns."""
        return [self.value(0, column) for column in range(len(self._rows[0].fields))]

    def column(self, name: str, option: str) -> int:
        """Return the place of a column by its name; `option` is what could name another.

        Raises:
            ExportError: no column, or two, of this name.

        """
        places = [place for place, one in enumerate(self.header) if one.strip() == name.strip()]
        if len(places) == 1:
            return places[0]
        what = "has no column" if not places else "has more than one column"
        raise ExportError(
            f"{self.path} {what} {name!r}; its columns are {', '.join(map(repr, self.header))}: "
            f"name one with {option}"
        )

    def value(self, row: int, column: int) -> str:
        """Return a cell's text; an empty one where a row is shorter than the header."""
        fields = self._rows[row].fields
        raw = fields[column] if column < len(fields) else ""
        quoted = len(raw) > 1 and raw.startswith('"') and raw.endswith('"')
        return raw[1:-1].replace('""', '"') if quoted else raw

    def values(self, row: int) -> list[str]:
        """Return the texts of a row's cells."""
        return [self.value(row, column) for column in range(len(self._rows[row].fields))]

    def named(self, row: int, name: str) -> str:
        """Return a cell's text by its column's name; an empty one where there is no such column."""
        return self.value(row, self.header.index(name)) if name in self.header else ""

    def fill(self, row: int, column: int, text: str) -> None:
        """Put text or a number into a cell, so that no spreadsheet takes it for a formula."""
        fields = self._rows[row].fields
        fields += [""] * (column + 1 - len(fields))
        number = _NUMBER.fullmatch(text)
        plain = number and self.delimiter not in text and not fields[column].startswith('"')
        safe = spreadsheet_safe(text).replace('"', '""')
        # Text in quotes, because it may hold what separates fields in another country.
        fields[column] = text if plain else f'"{safe}"'

    def write(self, path: Path) -> None:
        """Write the file to another place.

        Raises:
            ExportError: that place is the file itself, which an instructor may still need.

        """
        if path.exists() and path.samefile(self.path):
            raise ExportError(f"{path} is the exported file itself; name another with --out")
        lines = [self.delimiter.join(row.fields) + row.end for row in self._rows]
        write_atomically(path, (self._mark + "".join(lines)).encode())


def decimal_mark(texts: Iterable[str]) -> str:
    """Return what the numbers among these texts have before their decimals."""
    numbers = [text for text in map(str.strip, texts) if _NUMBER.fullmatch(text)]
    return "," if any("," in number for number in numbers) else "."


def parse_number(text: str) -> float | None:
    """Return the number that a cell holds, with a point or a comma; None when it holds none."""
    found = _NUMBER.fullmatch(text.strip())
    return float(found[0].replace(",", ".")) if found else None


def _rows(text: str, delimiter: str) -> list[_Row]:
    mark = re.escape(delimiter)
    # A field in quotes, or whatever stands before the next delimiter.
    field = re.compile(rf'("[^"]*(?:""[^"]*)*"|[^{mark}\r\n]*)({mark}|\r\n|\r|\n|\Z)')
    rows, fields, place = [], [], 0
    while place < len(text):
        match = field.match(text, place)
        assert match is not None  # the second form matches whatever stands there
        fields.append(match[1])
        place = match.end()
        if match[2] != delimiter:
            rows.append(_Row(fields, match[2]))
            fields = []
    return [*rows, _Row([*fields, ""], "")] if fields else rows


def _width(rows: list[_Row]) -> int:
    return len(rows[0].fields) if rows else 0
