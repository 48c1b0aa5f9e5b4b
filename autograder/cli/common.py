"""What every command shares: the app, the consoles, and errors told in one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, NoReturn

import torch
import typer
from rich.console import Console

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
    from autograder.attacks import AttackError
    from autograder.bank import SecretError
    from autograder.bench.environment import BenchError
    from autograder.cases import SourceError
    from autograder.draw import DrawError
    from autograder.executors import ExecutorError
    from autograder.explain import ExplainError
    from autograder.exports import ExportError
    from autograder.ledger import LedgerError
    from autograder.paths import RoomMissingError
    from autograder.record import MarginError
    from autograder.recorded import RecordingError
    from autograder.results import ResultError
    from autograder.sandbox import SandboxError
    from autograder.script import ScriptError
    from autograder.submissions import SubmissionError

    mendable = (
        AttackError,
        BenchError,
        DrawError,
        ExplainError,
        ExportError,
        ExecutorError,
        LedgerError,
        ResultError,
        SecretError,
        ScriptError,
        SourceError,
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
