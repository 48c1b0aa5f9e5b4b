"""The command `glassbox`: for learners, instructors and authors."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import torch
import typer
from rich import box
from rich.console import Console
from rich.table import Table

# Two threads make small models up to 100 times slower on a busy machine.
torch.set_num_threads(1)

app = typer.Typer(
    help="Glassbox: a course in mechanistic interpretability, and its autograder.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
console = Console()
errors = Console(stderr=True)

BAD_ARGUMENTS = 2
INFRASTRUCTURE = 3

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
CheckOnly = Annotated[bool, typer.Option("--check", help="Write nothing; say what differs.")]
LabNames = Annotated[list[str] | None, typer.Argument(help="Labs; all of them by default.")]


def fail(message: str) -> NoReturn:
    """End with one line on stderr and exit status 2."""
    errors.print(f"glassbox: {message}", style="red", markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(BAD_ARGUMENTS)


@contextmanager
def told_in_one_line() -> Iterator[None]:
    """Turn the errors that a user can mend into one line that says what, where and what to do."""
    from autograder.bank import SecretError
    from autograder.draw import DrawError
    from autograder.paths import RoomMissingError
    from autograder.record import MarginError
    from autograder.recorded import RecordingError
    from autograder.sandbox import SandboxError
    from autograder.script import ScriptError
    from autograder.submissions import SubmissionError

    mendable = (
        DrawError,
        SecretError,
        ScriptError,
        RoomMissingError,
        MarginError,
        RecordingError,
        SandboxError,
        SubmissionError,
        OSError,
    )
    try:
        yield
    except mendable as error:
        fail(str(error))


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


@app.command()
def grade(
    paths: Annotated[list[Path], typer.Argument(help="Notebooks, scripts or folders of them.")],
    out: Annotated[Path, typer.Option(help="Where results go.")] = Path("out"),
    lab: Annotated[str | None, typer.Option(help="The lab of a flat folder.")] = None,
    pattern: Annotated[
        str | None, typer.Option(help="Regex with a group student_id, for an LMS download.")
    ] = None,
    secret: Annotated[Path | None, typer.Option(help="File with the course secret.")] = None,
    isolation: Annotated[
        str | None, typer.Option(help="Run at this level instead of the best one.")
    ] = None,
    min_isolation: Annotated[str, typer.Option(help="Refuse below this level.")] = "process",
    workers: Annotated[int | None, typer.Option(min=1, help="One per core by default.")] = None,
) -> None:
    """Grade submissions for credit, on the hidden bank."""
    from autograder.grading import grade_class

    with told_in_one_line():
        summary = grade_class(
            paths,
            out,
            lab=lab,
            pattern=pattern,
            secret=secret,
            isolation=isolation,
            min_isolation=min_isolation,
            workers=workers,
            console=console,
        )
    raise typer.Exit(INFRASTRUCTURE if summary.infrastructure else 0)


@app.command()
def release(
    labs: Annotated[list[str], typer.Argument(help="The labs to hand out.")],
    out: Annotated[Path, typer.Option(help="The zip to write.")] = Path("glassbox-labs.zip"),
) -> None:
    """Pack labs for students: exercises and what checks them, without solutions or specs."""
    from autograder.release import release as pack

    with told_in_one_line():
        written = pack(labs, out)
    console.print(f"wrote {written} ({written.stat().st_size // 1000} kB)", highlight=False)


@app.command()
def build(labs: LabNames = None, check_only: CheckOnly = False) -> None:
    """Derive exercises, solution notebooks and the README's table from sources and specs."""
    from autograder import readme
    from autograder.build import build as derive

    with told_in_one_line():
        drifts = derive(labs or None, check=check_only) + readme.refresh(check=check_only)
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

    if context.invoked_subcommand:
        return
    if not check_cards:
        for name in models.names():
            console.print(f"{name}: {models.card(name)['what']}", highlight=False)
        return
    differs = []
    for name in models.names():
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


def main() -> None:
    """Run the command."""
    app()


if __name__ == "__main__":
    sys.exit(main())
