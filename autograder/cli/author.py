"""Commands for an author: `build`, `record`, `zoo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich import box
from rich.table import Table

from autograder.cli.common import CheckOnly, LabNames, app, console, fail, told_in_one_line


@app.command()
def build(labs: LabNames = None, check_only: CheckOnly = False) -> None:
    """Derive exercises, solution notebooks, the README's table and the schema of results."""
    from autograder import readme, schema
    from autograder.build import build as derive

    with told_in_one_line():
        drifts = derive(labs or None, check=check_only)
        drifts += readme.refresh(check=check_only) + schema.refresh(check=check_only)
    _report_drift(drifts, check_only, "build")


@app.command()
def record(labs: LabNames = None, check_only: CheckOnly = False) -> None:
    """Record references from solutions and specs, with measured tolerances."""
    from autograder import record as recording
    from autograder.paths import Rooms

    drifts = []
    with told_in_one_line():
        for name in labs or Rooms.here().written_labs():
            if check_only:
                drifts += recording.check(name)
            else:
                recording.write(name)
                console.print(f"recorded {name}")
    if check_only:
        _report_drift(drifts, check_only, "record")


def _report_drift(drifts: list, check_only: bool, command: str) -> None:
    for drift in drifts:
        told = str(drift) if check_only else f"wrote {drift.path}"
        console.print(told, markup=False, highlight=False, soft_wrap=True)
    if check_only and drifts:
        fail(f"{len(drifts)} differences: run `glassbox {command}` and commit the result")
    if not drifts:
        console.print(f"{command}: everything is up to date")


zoo = typer.Typer(help="Measure or retrain the toy models.", invoke_without_command=True)
app.add_typer(zoo, name="zoo")


@zoo.callback()
def zoo_main(
    context: typer.Context,
    check_cards: Annotated[
        bool, typer.Option("--check", help="Measure each model against its card.")
    ] = False,
) -> None:
    """List the toy models, or measure each against its card."""
    from course import zoo as models
    from course.zoo import saes

    if context.invoked_subcommand:
        return
    cards = {name: models.card(name) for name in models.names()}
    cards |= {name: saes.card(name) for name in saes.names()}
    if not check_cards:
        for name, card in cards.items():
            console.print(f"{name}: {card['what']}", highlight=False)
        return
    differs = []
    for name in cards:
        rows = models.check_card(name)
        table = Table(title=name, title_justify="left", box=box.SIMPLE_HEAD)
        for heading in ("", "claim", "card", "measured"):
            table.add_column(heading, no_wrap=heading != "claim")
        for row in rows:
            mark = "ok" if row.ok else "[red]differs[/red]"
            table.add_row(mark, row.claim, _short(row.recorded), _short(row.measured))
        console.print(table)
        differs += [f"{name}: {row.claim}" for row in rows if not row.ok]
    if differs:
        fail(f"a model does not do what its card says: {'; '.join(differs)}")


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    text = str(value)
    return text if len(text) <= 16 else f"{text[:13]}..."


@zoo.command()
def train(
    name: str,
    seed: Annotated[int | None, typer.Option(help="The card's by default.")] = None,
    steps: Annotated[int | None, typer.Option(help="The card's by default.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder; out/zoo by default.")] = None,
) -> None:
    """Train or build a toy model again, with a progress bar."""
    from course import zoo as models

    try:
        written = models.train(name, seed=seed, steps=steps, out=out)
    except (KeyError, ValueError) as error:
        fail(str(error))
    console.print(f"wrote {written}", highlight=False)
