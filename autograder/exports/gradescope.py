"""Pack a grader for Gradescope: a zip of files that its image is built and graded from.

It holds the two packages and the hidden bank of the labs that are named, and neither solutions nor
specifications nor the course secret. The bank is as secret as the answers: the zip is for
Gradescope and the course's staff, and in the image only root can read it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from autograder.bank import PRIVATE, open_bank
from autograder.files import write_atomically, zipped
from autograder.paths import RoomMissingError, Rooms
from autograder.release import DISTRIBUTION, package, pyproject

TEMPLATES = Path(__file__).with_name("templates")
# What grades one submission needs neither Jupyter's interface nor nbgrader.
NOT_REQUIRED = ("jupyterlab", "nbgrader", "jupytext")
NOT_PACKED = ("autograder/labs/", "autograder/_data/", "autograder/references/", "course/lessons/")


def pack(labs: Iterable[str], secret: bytes, out: Path) -> Path:
    """Write the zip and return its path.

    Args:
        labs: the labs that the assignment has; of one, a notebook by any name is graded.
        secret: the course secret; the hidden bank is made when there is none yet.
        out: the zip to write, or a folder to write `autograder.zip` into.

    """
    names = sorted(set(labs))
    if not names:
        raise RoomMissingError("name at least one lab that Gradescope is to grade")
    files = {
        "setup.sh": _setup(names),
        "run_autograder": (TEMPLATES / "run_autograder.py").read_bytes(),
        "constraints.txt": _constraints().encode(),
        "grader/pyproject.toml": pyproject(lambda name: name not in NOT_REQUIRED).encode(),
    }
    modes = {"setup.sh": 0o755, "run_autograder": 0o755}
    for path, data in (package("course") | package("autograder")).items():
        if not path.startswith(NOT_PACKED):
            files[f"grader/{path}"] = data
    for name in names:
        files |= {f"grader/autograder/{where}": data for where, data in _lab(name).items()}
        bank = open_bank(name, secret)
        for where, data in (("safetensors", bank.path.read_bytes()), ("key", bank.key)):
            files[f"banks/{name}.{where}"] = data
            modes[f"banks/{name}.{where}"] = PRIVATE
    target = out / "autograder.zip" if out.is_dir() else out
    write_atomically(target, zipped(files, modes), mode=PRIVATE)
    return target


def _lab(name: str) -> dict[str, bytes]:
    """Return a lab's references and exercises, where an installed package has them."""
    rooms = Rooms.here()
    reference = rooms.reference(name)
    files = {f"references/{reference.name}": reference}
    files[f"references/{name}.safetensors"] = reference.with_suffix(".safetensors")
    for suffix in (".ipynb", ".py"):
        files[f"_data/exercises/{name}{suffix}"] = rooms.exercise(name, suffix)
    return {where: path.read_bytes() for where, path in files.items()}


def _setup(labs: list[str]) -> bytes:
    environment = Environment(
        loader=PackageLoader("autograder.exports"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    template = environment.get_template("setup.sh.j2")
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return template.render(labs=labs, python=version).encode()


def _constraints() -> str:
    """Return the versions here, so that what grades there is what was tried here."""
    pins: dict[str, str] = {}
    for found in metadata.distributions():
        # The first counts, as for an import. A local part, as in 2.13.0+cpu, is nobody else's.
        pins.setdefault(found.name.lower(), f"{found.name}=={found.version.partition('+')[0]}")
    pins.pop(DISTRIBUTION, None)
    return "\n".join(pins[name] for name in sorted(pins)) + "\n"
