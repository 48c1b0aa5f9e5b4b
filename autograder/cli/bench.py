"""Commands that measure: `bench grading`, `bench lens`."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from autograder.cli.common import Json, app, console, errors, told_in_one_line

if TYPE_CHECKING:
    from autograder.bench.rows import Row

bench = typer.Typer(help="Measure our speed, and that of others on the same work.")
app.add_typer(bench, name="bench")


@bench.callback()
def main() -> None:
    """Measure our speed, and that of others on the same work."""


@bench.command()
def grading(
    as_json: Json = False,
    rounds: Annotated[int, typer.Option(min=1, help="Medians are over these.")] = 5,
    students: Annotated[int, typer.Option(min=5, help="Notebooks in the class.")] = 40,
    env: Annotated[Path, typer.Option(help="The peers' environment; made at first use.")] = Path(
        "out/peers/grading"
    ),
    peers: Annotated[bool, typer.Option(help="Compare with nbgrader and Otter.")] = True,
    profile: Annotated[
        bool, typer.Option("--profile", help="Show where the time of one submission goes instead.")
    ] = False,
) -> None:
    """Grade one class with glassbox, nbgrader and Otter, in turns and on the same cores."""
    from autograder.bench.environment import python_of
    from autograder.bench.grading import Grading

    if profile:
        _profile(rounds)
        return
    with told_in_one_line(), tempfile.TemporaryDirectory(prefix="glassbox-bench-") as folder:
        with _shown() as show:
            show("the peers' environment")
            python = python_of(env) if peers else None
            run = Grading(Path(folder), python, students)
            for step in run.steps(rounds):
                show(step)
        rows = run.finish()
    _tell(rows, as_json, "at most")


@bench.command()
def lens(
    as_json: Json = False,
    rounds: Annotated[int, typer.Option(min=1, help="Medians are over these.")] = 15,
    env: Annotated[Path, typer.Option(help="The peers' environments; made at first use.")] = Path(
        "out/peers"
    ),
    peers: Annotated[
        bool, typer.Option(help="Compare with TransformerLens and SAELens too.")
    ] = True,
) -> None:
    """Time the model and the instruments beside TransformerLens, transformers and SAELens."""
    from autograder.bench.lens import Lens

    with told_in_one_line(), _shown() as show:
        run = Lens(env, peers=peers)
        for step in run.steps(rounds):
            show(step)
    _tell(run.finish(), as_json, "limit: bare products")


def _tell(rows: list[Row], as_json: bool, limit: str) -> None:
    """Print the rows."""
    from autograder.bench.rows import table

    if as_json:
        typer.echo(json.dumps([row.as_json() for row in rows], indent=1))
    else:
        console.print(table(rows, limit))


@contextmanager
def _shown() -> Iterator[Callable[[str], None]]:
    """Give a function that says what is being done now; only rows go to stdout."""
    if not errors.is_terminal:
        yield lambda step: errors.print(step, highlight=False)
        return
    columns = SpinnerColumn(), TimeElapsedColumn(), TextColumn("{task.description}")
    progress = Progress(*columns, console=errors)
    with progress:
        bar = progress.add_task("", total=None)
        yield lambda step: progress.update(bar, description=step)


def _profile(rounds: int) -> None:
    """Print the stages of grading one submission that is all right, and its bare code's."""
    from autograder.bench.grading import Grading
    from autograder.bench.profile import profile, table

    with told_in_one_line(), tempfile.TemporaryDirectory(prefix="glassbox-bench-") as folder:
        run = Grading(Path(folder), None, 1)
        with console.status("the hidden bank"):
            run.make_bank()
        with console.status("grading one submission again and again"):
            measured = profile(run.ours.found[0], run.ours.papers, rounds)
    console.print(table(measured))
