"""Command for an instructor: `selftest`, which attacks the sandbox of this machine."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from autograder.cli.common import Json, app, console, errors, fail, told_in_one_line

if TYPE_CHECKING:
    from autograder.attacks import Attack
    from autograder.selftest import Trial

BROKEN = 1


@app.command("selftest")
def run(
    attacks: Annotated[
        list[str] | None, typer.Argument(help="Attacks by name; all of them by default.")
    ] = None,
    level: Annotated[
        list[str] | None,
        typer.Option(help="A level to try, once or more; by default all but `none`."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Attack the sandbox of this machine, and say which of its promises are kept."""
    if sys.platform != "linux":
        fail("the selftest needs Linux, as every level does that promises more than `process`")
    from autograder.attacks import every, named
    from autograder.sandbox import SandboxError
    from autograder.selftest import BY_DEFAULT, Selftest

    with told_in_one_line():
        chosen = named(attacks) if attacks else every()
    started = time.monotonic()
    trials: list[Trial] = []
    levels: dict[str, dict[str, Any]] = {}
    for name in level or BY_DEFAULT:
        try:
            test = Selftest(name)
        except SandboxError as error:
            if level:
                fail(str(error))
            levels[name] = {"missing": str(error), "not_looked_at": []}
            continue
        with test, told_in_one_line():
            levels[name] = {"missing": "", "not_looked_at": test.unseen}
            trials += _tried(test, chosen)
    if as_json:
        typer.echo(json.dumps(_report(levels, trials), indent=1))
    else:
        _tell(chosen, levels, trials, time.monotonic() - started)
    raise typer.Exit(BROKEN if any(trial.broken for trial in trials) else 0)


def _tried(test: Any, attacks: list[Attack]) -> list[Trial]:
    """Try every attack in both forms, with a progress bar."""
    from autograder.attacks import FORMS

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    trials = []
    with Progress(*columns, TimeElapsedColumn(), console=errors, transient=True) as progress:
        bar = progress.add_task(f"attacks at {test.level}", total=len(attacks) * len(FORMS))
        for attack in attacks:
            for form in FORMS:
                trials.append(test.trial(attack, form))
                progress.advance(bar)
    return trials


def _report(levels: dict[str, dict[str, Any]], trials: list[Trial]) -> dict[str, Any]:
    from autograder.selftest import PROMISED, PROMISES

    return {
        "ok": not any(trial.broken for trial in trials),
        "promises": PROMISES,
        "levels": {name: {"promised": PROMISED[name], **levels[name]} for name in levels},
        "trials": [trial.to_dict() for trial in trials],
    }


def _tell(
    attacks: list[Attack], levels: dict[str, dict[str, Any]], trials: list[Trial], seconds: float
) -> None:
    reached = [name for name, facts in levels.items() if not facts["missing"]]
    console.print(_attack_table(attacks, reached, trials))
    console.print(_promise_table(reached, trials))
    for name, facts in levels.items():
        if facts["missing"]:
            console.print(f"{name} was not tried: {facts['missing']}", markup=False)
        for what in facts["not_looked_at"]:
            console.print(f"{name}: {what}: not looked at, which takes another user's rights")
    broken = [trial for trial in trials if trial.broken]
    for trial in broken:
        evidence = "; ".join(f"{name}: {trial.found[name]}" for name in trial.broken)
        told = f"broken at {trial.level}: {trial.attack} ({trial.form}): {evidence}"
        console.print(told, style="red", markup=False, highlight=False)
    outcome = f"{len(broken)} of them break a promise" if broken else "every promise is kept"
    told = f"{len(trials)} trials of {len(attacks)} attacks in {seconds:.0f} s: {outcome}"
    console.print(told, highlight=False)


def _attack_table(attacks: list[Attack], levels: list[str], trials: list[Trial]) -> Table:
    title = "Attacks, and what each gained where it was not promised to fail"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("attack", overflow="fold")
    table.add_column("what it tries", overflow="fold", min_width=24)
    for level in levels:
        table.add_column(level, overflow="fold")
    for attack in attacks:
        cells = [
            _cell(one for one in trials if (one.attack, one.level) == (attack.name, level))
            for level in levels
        ]
        table.add_row(Text(attack.name), Text(attack.tries), *cells)
    return table


def _cell(trials: Iterable[Trial]) -> Text:
    """Say what both forms of an attack came to at one level."""
    both = list(trials)
    broken = dict.fromkeys(name for trial in both for name in trial.broken)
    open_ = dict.fromkeys(name for trial in both for name in trial.open)
    if broken:
        return Text(f"BROKEN: {', '.join(broken)}", style="bold red")
    if open_:
        return Text(f"gained {', '.join(open_)}", style="yellow")
    return Text("kept", style="green")


def _promise_table(levels: list[str], trials: list[Trial]) -> Table:
    """Tell for each promise how often it was broken, or how often what is not promised happened."""
    from autograder.selftest import PROMISES

    table = Table(title="Promises", title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("promise")
    for level in levels:
        table.add_column(level)
    for promise, text in PROMISES.items():
        cells = [_kept(promise, level, trials) for level in levels]
        table.add_row(text, *cells)
    return table


def _kept(promise: str, level: str, trials: list[Trial]) -> Text:
    from autograder.selftest import PROMISED

    count = sum(trial.level == level and promise in trial.found for trial in trials)
    if promise not in PROMISED[level]:
        return Text(f"not promised: {count} gained" if count else "not promised", style="yellow")
    return Text(f"BROKEN {count} times", "bold red") if count else Text("kept", "green")
