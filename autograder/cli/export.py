"""`glassbox export`: results into the files and databases of other systems."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autograder.cli.common import app

export = typer.Typer(help="Take results to a gradebook.", no_args_is_help=True)
app.add_typer(export, name="export")

Graded = Annotated[Path, typer.Argument(help="What `glassbox grade --out` wrote.", metavar="DIR")]
