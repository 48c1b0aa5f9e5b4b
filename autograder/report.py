"""One HTML page about a graded class: no script, nothing loaded, readable without colour."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

from autograder.classview import class_view
from autograder.files import write_atomically
from autograder.gradesheet import MARKS
from autograder.results import Result
from autograder.similar import LEAST_SIZE

# Of a long table, as many rows as are read; the rest is folded away.
MOST_ROWS = 15
# What a level does not promise, for whoever relies on these grades.
NOT_PROMISED = {
    "process": "students' code could read the files of the account that graded, the hidden bank "
    "among them, use the network, and leave processes behind",
    "none": "students' code ran with all rights of the account that graded",
}


def write_report(results: Iterable[Result], path: Path) -> None:
    """Write the page: a summary, then each lab from its exercises down to every student."""
    environment = Environment(
        loader=PackageLoader("autograder"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_printable,
    )
    environment.filters |= {"points": _points, "seconds": _seconds, "breakable": _breakable}
    labs = class_view(results)
    everyone = [result for lab in labs for result in lab.results]
    levels = sorted({level for lab in labs for level in lab.levels})
    page = environment.get_template("report.html.j2").render(
        labs=labs,
        students=len({result.student for result in everyone}),
        submissions=len(everyone),
        times=sorted(result.graded_at for result in everyone),
        marks=MARKS | {"missing": "·", "infrastructure": "?"},
        least_size=LEAST_SIZE,
        most_rows=MOST_ROWS,
        not_promised={level: NOT_PROMISED[level] for level in levels if level in NOT_PROMISED},
    )
    write_atomically(path, page.encode("utf-8", "backslashreplace"))


def _printable(value: Any) -> Any:
    """Return text on one line, without signs that steer: controls, changes of direction."""
    if not isinstance(value, str) or isinstance(value, Markup) or value.isprintable():
        return value
    text = "; ".join(value.splitlines())
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)


def _points(number: float | None) -> str:
    return "?" if number is None else f"{number:.4g}"


def _seconds(number: float | None) -> str:
    if number is None:
        return "not kept"
    if number < 1:
        return f"{1000 * number:.0f} ms"
    return f"{number:.1f} s" if number < 120 else f"{number / 60:.1f} min"


def _breakable(name: str) -> Markup:
    """Let a long name break after its underscores."""
    return Markup("_<wbr>").join(escape(part) for part in name.split("_"))
