"""Commands that measure: `bench grading`."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from autograder.cli.common import Json, app, console, errors, told_in_one_line

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
        "out/peers"
    ),
    peers: Annotated[bool, typer.Option(help="Compare with nbgrader and Otter.")] = True,
    profile: Annotated[
        bool, typer.Option("--profile", help="Show where the time of one submission goes instead.")
    ] = False,
) -> None:
    """Grade one class with glassbox, nbgrader and Otter, in turns and on the same cores."""
    from autograder.bench.environment import python_of
    from autograder.bench.grading import Grading
    from autograder.bench.rows import table

    if profile:
        _profile(rounds)
        return
    # Only rows go to stdout.
    steps = Progress(
        TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=errors
    )
    with told_in_one_line(), tempfile.TemporaryDirectory(prefix="glassbox-bench-") as folder, steps:
        bar = steps.add_task("the peers' environment", total=None)
        python = python_of(env) if peers else None
        steps.update(bar, description="the class and its hidden bank")
        run = Grading(Path(folder), python, students)
        run.make_bank()
        steps.update(bar, description="a sandbox")
        run.measure_sandbox()
        steps.update(bar, description="the peers' assignments", total=rounds)
        run.prepare_peers()
        for number in range(rounds):
            for what in run.run_round(number, rounds):
                steps.update(bar, description=f"round {number + 1} of {rounds}: {what}")
            steps.advance(bar)
        run.require_peers()
        rows = run.finish()
    if as_json:
        typer.echo(json.dumps([row.as_json() for row in rows], indent=1))
    else:
        console.print(table(rows))


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
