"""Environments of their own for what ours is compared with.

The graders come from the extra `peers`, the libraries from the requirements of their folder in
tests/peers (`make peers` runs the tests there). All are made under `constraints.txt`, so that they
run with the same torch, and import `course` and `autograder` from this clone.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

from autograder.paths import PACKAGE

CLONE = PACKAGE.parent
TESTS = Path("tests") / "peers"  # in the clone; a folder for each environment
GRADERS = ("-e", ".[peers]")
INSTALL_SECONDS = 3600


class BenchError(RuntimeError):
    """A benchmark that cannot be run here, or a grader in it that does not grade."""


def libraries(name: str) -> tuple[str, ...]:
    """Return what pip installs into the environment of the tests in `tests/peers/<name>`."""
    return ("-r", str(TESTS / name / "requirements.txt"), "pytest", "-e", ".")


def python_of(folder: Path, install: Sequence[str] = GRADERS) -> Path:
    """Return the interpreter of a peers' environment; make the environment where it lacks.

    Args:
        folder: where it is.
        install: what pip installs: `GRADERS`, or `libraries(...)`.

    Raises:
        BenchError: this is no clone, or the peers cannot be installed.

    """
    python, done = folder / "bin" / "python", folder / "peers.sha256"
    wanted = _wanted(install)
    if not (python.exists() and done.exists() and done.read_text() == wanted):
        _run([sys.executable, "-m", "venv", "--clear", str(folder.absolute())])
        python = python.absolute()
        # Python 3.11's first pips do not resolve extras under constraints.
        _run([str(python), "-m", "pip", "install", "-q", "--upgrade", "pip>=24"])
        command = [str(python), "-m", "pip", "install", "-q", "-c", "constraints.txt"]
        if index := os.environ.get("TORCH_INDEX"):
            command += ["--extra-index-url", index]
        _run([*command, *install])
        done.write_text(wanted)
    return python.absolute()


def _wanted(install: Sequence[str]) -> str:
    """Return a hash of all that decides what is installed."""
    try:
        constraints = (CLONE / "constraints.txt").read_text()
        project = tomllib.loads((CLONE / "pyproject.toml").read_text())["project"]
        files = [(CLONE / one).read_text() for one in install if one.endswith(".txt")]
    except OSError as error:
        raise BenchError(
            f"there is no {error.filename}: the peers are installed from a clone of the course"
        ) from error
    extra = project["optional-dependencies"]["peers"]
    wanted = [project["dependencies"], extra, constraints, *install, *files]
    return hashlib.sha256(repr([*wanted, sys.version]).encode()).hexdigest()


def _run(command: list[str]) -> None:
    done = subprocess.run(
        command, cwd=CLONE, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
    )
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines() or ["no message"]
        raise BenchError(f"{' '.join(command[1:4])} failed in the peers' environment: {said[-1]}")
