"""The first code on the student's side: started as a script, with the module to run as argument.

The grader starts it in an environment of its own and, where bubblewrap works, with a file system
that holds the libraries and `course` and little else. It is given no reference and no secret, and
what it runs imports nothing that has one: `autograder` here is a package without its `__init__`.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).resolve().parent


def make_packages() -> None:
    """Make importable what is in view of `autograder`, without running its `__init__`."""
    for name, folder in (("autograder", HERE.parent), ("autograder.sandbox", HERE)):
        package = ModuleType(name)
        package.__path__ = [str(folder)]
        sys.modules[name] = package


if __name__ == "__main__":
    make_packages()
    importlib.import_module(f"autograder.sandbox.{sys.argv[1]}").main(*sys.argv[2:])
