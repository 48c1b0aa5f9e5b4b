"""A derived file that is not what its source says."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Drift:
    """One difference between a committed file and what its source gives now."""

    path: Path
    what: str

    def __str__(self) -> str:
        """Return one line for a terminal."""
        return f"{self.path}: {self.what}"
