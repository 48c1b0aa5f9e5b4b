"""Commands for a learner: `list`, `doctor`, `check`, `hint`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich import box
from rich.table import Table

from autograder.cli.common import Json, app, console, told_in_one_line


@app.command("list")
def list_exercises(as_json: Json = False) -> None:
    """List every exercise with its points, minutes and misconceptions."""
    from autograder.recorded import load_lab, recorded_labs

    with told_in_one_line():
        labs = [load_lab(name) for name in recorded_labs()]
    rows = [(lab, exercise) for lab in labs for exercise in lab.exercises]
    if as_json:
        typer.echo(json.dumps([_listed(lab, exercise) for lab, exercise in rows], indent=1))
        return
    for lab in labs:
        console.print(_lab_table(lab))


def _lab_table(lab: Any) -> Table:
    table = Table(title=f"{lab.name}: {lab.title}", title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("exercise", no_wrap=True)
    table.add_column("what it is about")
    for heading in ("points", "minutes", "difficulty"):
        table.add_column(heading, justify="right")
    for exercise in lab.exercises:
        numbers = (exercise.points, exercise.minutes, exercise.difficulty)
        table.add_row(exercise.name, exercise.title, *(f"{number:g}" for number in numbers))
    return table


def _listed(lab: Any, exercise: Any) -> dict[str, Any]:
    return {
        "id": exercise.id,
        "lab": lab.name,
        "module": lab.module,
        "title": exercise.title,
        "points": exercise.points,
        "minutes": exercise.minutes,
        "difficulty": exercise.difficulty,
        "hints": list(exercise.hints),
        "misconceptions": [idea.id for idea in exercise.misconceptions],
        "margin": exercise.margin,
        "model": lab.model,
        "withheld": list(exercise.withheld),
    }


@app.command()
def doctor(as_json: Json = False) -> None:
    """Say what this machine gives: versions, cores, isolation and how to get a better one."""
    from autograder.doctor import examine

    facts = examine()
    if as_json:
        typer.echo(json.dumps(facts, indent=1))
        return
    console.print(f"Python {facts['python']}, {facts['cores']} cores")
    for name, version in facts["packages"].items():
        console.print(f"  {name} {version}", highlight=False)
    console.print(f"isolation of student code: [bold]{facts['isolation']}[/bold]")
    for reason in facts["reasons"]:
        console.print(f"  {reason}", markup=False, highlight=False)


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="Your notebook or script of a lab.")],
    lab: Annotated[str | None, typer.Option(help="The lab, if the name does not say.")] = None,
) -> None:
    """Check your own work on the public cases and say what went wrong."""
    from autograder.practice import practise

    with told_in_one_line():
        reports, notes = practise(file, lab)
    for note in notes:
        console.print(f"note: {note}", markup=False, highlight=False)
    for report in reports:
        console.print(str(report), style=_style(report), markup=False, highlight=False)
    passed = sum(report.attempt.status == "pass" for report in reports)
    console.print(f"{passed} of {len(reports)} exercises pass")
    raise typer.Exit(0 if passed == len(reports) else 1)


def _style(report: Any) -> str:
    return {"pass": "green", "not_started": "dim"}.get(report.attempt.status, "")


@app.command()
def hint(
    exercise: Annotated[str, typer.Argument(help="For example m3_induction/induction_score.")],
    number: Annotated[int, typer.Option(min=1, max=3, help="Which of the three.")] = 1,
) -> None:
    """Show a hint: 1 nudges, 2 gives the method, 3 is almost the code."""
    from autograder.recorded import load_lab
    from autograder.render import Hint

    lab, _, name = exercise.partition("/")
    with told_in_one_line():
        found = load_lab(lab).exercise(name)
    console.print(str(Hint(found, number - 1)), markup=False, highlight=False)
