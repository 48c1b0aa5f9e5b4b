"""What this machine gives: versions, cores, and how well it can confine student code."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from autograder.sandbox import probe

PACKAGES = (
    "glassbox-course",
    "torch",
    "transformers",
    "einops",
    "safetensors",
    "jupyterlab",
    "nbgrader",
    "jupytext",
)


def examine() -> dict[str, Any]:
    """Return python, packages, cores, isolation (found by running a confined child) and reasons."""
    found = probe()
    return {
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
        "cores": os.cpu_count(),
        "isolation": found.level,
        "reasons": list(found.reasons),
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"
