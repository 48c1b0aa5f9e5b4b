"""An environment of their own for the graders that ours is compared with.

It is made from the extra `peers` under `constraints.txt`, so that they run with the same torch, and
import `course` and `autograder` from this clone.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tomllib
from pathlib import Path

from autograder.paths import PACKAGE

CLONE = PACKAGE.parent
INSTALL_SECONDS = 3600


class BenchError(RuntimeError):
    """A benchmark that cannot be run here, or a grader in it that does not grade."""


def python_of(folder: Path) -> Path:
    """Return the interpreter of the peers' environment; make the environment where it lacks.

    Raises:
        BenchError: this is no clone, or the peers cannot be installed.

    """
    python, done = folder / "bin" / "python", folder / "peers.sha256"
    wanted = _wanted()
    if not (python.exists() and done.exists() and done.read_text() == wanted):
        _run([sys.executable, "-m", "venv", "--clear", str(folder)])
        # Python 3.11's first pips do not resolve extras under constraints.
        _run([str(python), "-m", "pip", "install", "-q", "--upgrade", "pip>=24"])
        command = [str(python), "-m", "pip", "install", "-q", "-c", "constraints.txt"]
        if index := os.environ.get("TORCH_INDEX"):
            command += ["--extra-index-url", index]
        _run([*command, "-e", ".[peers]"])
        done.write_text(wanted)
    return python.absolute()


def _wanted() -> str:
    """Return a hash of all that decides what is installed."""
    try:
        constraints = (CLONE / "constraints.txt").read_text()
        project = tomllib.loads((CLONE / "pyproject.toml").read_text())["project"]
    except OSError as error:
        raise BenchError(
            f"there is no {error.filename}: the peers are installed from a clone of the course"
        ) from error
    wanted = [project["dependencies"], project["optional-dependencies"]["peers"], constraints]
    return hashlib.sha256(repr([*wanted, sys.version]).encode()).hexdigest()


def _run(command: list[str]) -> None:
    done = subprocess.run(
        command, cwd=CLONE, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
    )
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines() or ["no message"]
        raise BenchError(f"{' '.join(command[1:4])} failed in the peers' environment: {said[-1]}")
