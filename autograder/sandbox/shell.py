"""The IPython shell in which a submission's cells run: made in the fork server, used in children.

Magics, top-level `await`, plots and progress bars work as in a notebook. What a notebook would show
is not made, since nobody looks: `display` and the last expression of a cell cost nothing, and a
figure is closed at the end of its cell without having been drawn. Shell commands say that they are
off.
"""

from __future__ import annotations

import ast
import sys
from types import ModuleType
from typing import Any

from IPython.core.compilerop import CachingCompiler
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.formatters import DisplayFormatter
from IPython.core.interactiveshell import ExecutionResult, InteractiveShell
from IPython.utils.text import SList
from traitlets import Type
from traitlets.config import Config

# Cell magics that hand the cell to another program.
SCRIPTS = ("bash", "sh", "script", "system", "sx", "!", "perl", "ruby", "javascript", "js", "latex")
# Run once before the fork, so that children find all that they need in its place.
WARM = ("def f(x: int) -> int:\n    return x\n", "%%capture\nf(2)", "f(3)")
ASYNC = ("await", "async")
CELL = "<cell "


class CellCompiler(CachingCompiler):
    """Name code by the cell it came from, so that an error can say where it happened."""

    cell = 0

    def get_code_name(self, *_args: Any, **_kwargs: Any) -> str:
        """Return the name under which tracebacks know this code."""
        return f"{CELL}{self.cell}>"


class Unseen(DisplayHook):
    """Keep a cell's last value as `_`, and make no text of it."""

    def __call__(self, result: Any = None) -> None:
        """Take what the last expression of a cell gave."""
        self.check_for_underscore()
        if result is not None:
            self.update_user_ns(result)
            self.fill_exec_result(result)


class Unpublished(DisplayPublisher):
    """Show nothing."""

    def publish(self, *_args: Any, **_kwargs: Any) -> None:
        """Do nothing."""


class Unformatted(DisplayFormatter):
    """Make no picture, table or text of what is displayed."""

    def format(self, *_args: Any, **_kwargs: Any) -> tuple[dict, dict]:
        """Return nothing, in no format."""
        return {}, {}


class Shell(InteractiveShell):
    """An interactive shell without terminal, history, profile or commands of the system."""

    compile: CellCompiler
    displayhook_class = Type(Unseen)
    display_pub_class = Type(Unpublished)
    compiler_class = Type(CellCompiler)

    def init_ipython_dir(self, ipython_dir: Any) -> None:
        """Write no profile."""

    def init_profile_dir(self, profile_dir: Any) -> None:
        """Write no profile."""

    def init_virtualenv(self) -> None:
        """Import from where the server does."""

    def init_display_formatter(self) -> None:
        """Format nothing."""
        self.display_formatter = Unformatted(parent=self)

    def init_magics(self) -> None:
        """Turn off the magics that start another program."""
        super().init_magics()
        for name in SCRIPTS:
            if name in self.magics_manager.magics["cell"]:
                self.register_magic_function(_script_is_off(name), "cell", name)

    def transform_cell(self, raw_cell: Any) -> Any:
        """Leave alone what is Python: to look for magics takes longer than to run most cells."""
        try:
            ast.parse(raw_cell)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return super().transform_cell(raw_cell)
        return raw_cell if raw_cell.endswith("\n") else f"{raw_cell}\n"

    def should_run_async(self, raw_cell: str, **given: Any) -> bool:
        """Tell whether a cell awaits something, without compiling it where no word says so."""
        return any(word in raw_cell for word in ASYNC) and super().should_run_async(
            raw_cell, **given
        )

    def run_cell_of(self, index: int, source: str) -> ExecutionResult:
        """Run the submission's cell `index`, counted from 0."""
        self.compile.cell = index + 1
        return self.run_cell(source)

    def system(self, cmd: str) -> None:
        """Say that commands are off."""
        _say_off(cmd)
        self.user_ns["_exit_code"] = 1

    system_raw = system_piped = system

    def getoutput(self, cmd: str, *_args: Any, **_kwargs: Any) -> SList:
        """Say that commands are off, and return no line."""
        _say_off(cmd)
        return SList()

    def enable_gui(self, gui: Any = None) -> None:
        """Open no window."""

    def ask_exit(self) -> None:
        """End the cell as `sys.exit` does."""
        raise SystemExit

    def showtraceback(self, *_args: Any, **_kwargs: Any) -> None:
        """Show nothing: whoever runs the cell gets the exception."""

    showsyntaxerror = showindentationerror = showtraceback


def make() -> Shell:
    """Return the shell of this process, with an empty `__main__` as its namespace."""
    config = Config()
    config.HistoryManager.enabled = False  # it would write a database, from a thread
    config.HistoryManager.hist_file = ":memory:"
    config.InteractiveShell.autocall = 0
    config.InteractiveShell.colors = "nocolor"
    shell = Shell.instance(config=config, user_module=ModuleType("__main__"))
    for cell in WARM:
        shell.run_cell(cell)
    shell.reset()
    return shell


def _say_off(command: str) -> None:
    sys.stdout.write(f"Shell commands are off while this is graded; not run: {command}\n")


def _script_is_off(name: str) -> Any:
    def off(line: str, _cell: str) -> None:
        _say_off(f"%%{name} {line}")

    return off
