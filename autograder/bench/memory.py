"""How much memory a sandbox's processes take, read from Linux."""

from __future__ import annotations

import os
from pathlib import Path

KB_PER_MB = 1000


def descendants(pid: int | None = None) -> set[int]:
    """Return the processes that come from one, this one by default."""
    found: set[int] = set()
    waiting = [os.getpid() if pid is None else pid]
    while waiting:
        for task in Path(f"/proc/{waiting.pop()}/task").glob("*/children"):
            children = {int(child) for child in task.read_text().split()}
            waiting += children - found
            found |= children
    return found


def resident(pid: int) -> float:
    """Return all memory that a process has, what it shares with others included, in MB."""
    return _read(pid)["Rss"] / KB_PER_MB


def private(pid: int) -> float:
    """Return the memory that would be free again if this process ended, in MB."""
    kept = _read(pid)
    return (kept["Private_Clean"] + kept["Private_Dirty"]) / KB_PER_MB


def _read(pid: int) -> dict[str, int]:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    return {name: int(value.split()[0]) for name, value in (line.split(":") for line in lines)}
