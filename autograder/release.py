"""Pack labs for students: what they fill in and what checks it, and nothing that answers it.

The zip needs no installation: its notebooks lie beside the two packages, so Jupyter started in the
folder finds them. The same labs give the same bytes, whenever they are packed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from importlib import metadata
from pathlib import Path

from autograder.files import write_atomically, zipped
from autograder.paths import PACKAGE, RoomMissingError, Rooms
from autograder.script import ScriptError

DISTRIBUTION = "glassbox-course"
FOLDER = "glassbox"

# What `from autograder import lab; check, hint = lab(...)` imports, all of it; a test compares.
CHECKING = (
    "__init__.py",
    "attempt.py",
    "check.py",
    "compare.py",
    "diagnose.py",
    "invariances.py",
    "recorded.py",
    "render.py",
    "shapes.py",
    "values.py",
    "verdict.py",
    "withhold.py",
)
# What the test files of `glassbox export otter` import. Without the package's `__init__`, which
# reads results, Python takes its folder for a package all the same.
OTTER = "exports/otter.py"
# The requirements of the distribution that `course`, `check` and a notebook need.
REQUIRED = (
    "einops",
    "ipykernel",
    "jaxtyping",
    "jupyterlab",
    "matplotlib",
    "numpy",
    "safetensors",
    "torch",
    "tqdm",
    "transformers",
)

PYPROJECT = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "{name}"
version = "{version}"
description = "{summary}"
requires-python = "{python}"
dependencies = [
{dependencies}
]

[tool.hatch.build.targets.wheel]
packages = ["course", "autograder"]
"""

README = """\
Glassbox {version}: {labs}

1. With Python {python}, in this folder:

     python -m venv .venv
     .venv/bin/python -m pip install .      (Windows: .venv\\Scripts\\python)
     .venv/bin/jupyter lab

   If torch, einops, jaxtyping, safetensors, matplotlib and Jupyter are already installed, start
   Jupyter in this folder; nothing else is needed. On Linux, PyTorch's CPU wheels are much smaller:

     .venv/bin/python -m pip install torch --index-url https://download.pytorch.org/whl/cpu

2. Open {first}.ipynb and run its cells from the top. Replace each

     # YOUR CODE HERE
     raise NotImplementedError()

   and run the check below it. hint(function) shows the next of three hints. Nothing leaves your
   computer.

3. Hand in the notebook under its own name. In an editor, fill in the .py instead, and leave
   its lines that begin with "# %%" as they are.
"""


def release(labs: Iterable[str], out: Path, *, rooms: Rooms | None = None) -> Path:
    """Write a zip of these labs for students and return its path.

    Args:
        labs: names of labs that are built and recorded.
        out: the zip to write, or a folder to write `glassbox-labs.zip` into.
        rooms: where the labs lie; this copy of the course by default.

    Raises:
        RoomMissingError: no labs named, or one that is not built or not recorded.
        ScriptError: an exercise that still holds a solution.

    """
    rooms = rooms or Rooms.here()
    names = list(dict.fromkeys(labs))
    if not names:
        raise RoomMissingError("name at least one lab to release")
    files = _texts(names) | _packages()
    for name in names:
        files |= _lab(name, rooms)
    target = out / "glassbox-labs.zip" if out.is_dir() else out
    write_atomically(target, zipped({f"{FOLDER}/{name}": data for name, data in files.items()}))
    return target


def _lab(name: str, rooms: Rooms) -> dict[str, bytes]:
    """Return a lab's exercises and references: path in the zip -> bytes."""
    reference = rooms.reference(name)
    tensors = reference.with_suffix(".safetensors")
    if not tensors.is_file():
        raise RoomMissingError(f"{tensors} is missing; run `glassbox record {name}`")
    files = {f"autograder/references/{path.name}": path for path in (reference, tensors)}
    for suffix in (".ipynb", ".py"):
        files[f"{name}{suffix}"] = rooms.exercise(name, suffix)
    read = {where: path.read_bytes() for where, path in files.items()}
    for where, data in read.items():
        if b"BEGIN SOLUTION" in data:
            raise ScriptError(f"{where} holds a solution; run `glassbox build {name}`")
    return read


def _packages() -> dict[str, bytes]:
    """Return the package `course`, and of `autograder` the part that checks."""
    names = (*CHECKING, OTTER)
    checking = {f"autograder/{name}": (PACKAGE / name).read_bytes() for name in names}
    return checking | package("course")


def package(name: str) -> dict[str, bytes]:
    """Return the files of the package `course` or `autograder`: path beside it -> bytes."""
    home = PACKAGE.parent
    files = {path.relative_to(home): path for path in (home / name).rglob("*")}
    return {
        inside.as_posix(): path.read_bytes()
        for inside, path in files.items()
        if path.is_file() and not any(part.startswith((".", "__pyc")) for part in inside.parts)
    }


def _texts(labs: list[str]) -> dict[str, bytes]:
    """Return the README, the licence, and a pyproject with the requirements that remain."""
    distribution = metadata.distribution(DISTRIBUTION)
    readme = README.format(
        version=distribution.version,
        labs=", ".join(labs),
        python=distribution.metadata["Requires-Python"].replace(">=", "at least "),
        first=labs[0],
    )
    texts = {"pyproject.toml": pyproject(lambda name: name in REQUIRED), "README.txt": readme}
    if licence := distribution.read_text("licenses/LICENSE"):
        texts["LICENSE"] = licence
    return {name: text.encode() for name, text in texts.items()}


def pyproject(is_required: Callable[[str], bool]) -> str:
    """Return a pyproject for `course` and `autograder` with part of the requirements.

    Args:
        is_required: whether a requirement of the distribution is kept, by its name.

    """
    distribution = metadata.distribution(DISTRIBUTION)
    kept = [
        line
        for line in distribution.requires or []
        if "extra ==" not in line and is_required(_name_of(line))
    ]
    return PYPROJECT.format(
        name=DISTRIBUTION,
        version=distribution.version,
        summary=distribution.metadata["Summary"],
        python=distribution.metadata["Requires-Python"],
        dependencies="\n".join(f'  "{line}",' for line in sorted(kept)),
    )


def _name_of(requirement: str) -> str:
    return re.split(r"[^\w.-]", requirement.strip(), maxsplit=1)[0]
