"""`glassbox export`, continued: results for CI, and the grader for platforms that run it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autograder.cli.common import console, told_in_one_line
from autograder.cli.export import Graded, export


@export.command()
def junit(
    graded: Graded,
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("junit.xml"),
) -> None:
    """Write results as JUnit XML, for CI systems and test dashboards."""
    from autograder.exports import read_results
    from autograder.exports.junit import write_junit

    with told_in_one_line():
        results = read_results(graded)
        write_junit(results, out)
    console.print(f"wrote {out}: {len(results)} submissions", highlight=False)
