"""The speed of the model and the instruments, beside that of the field's libraries.

Each library is in an environment of its own, where a worker times ours and theirs in turns, in one
process, on one thread, on the same weights and inputs, which have to give the same result first
(`lens_worker`). Each row shows the limit too: what the bare matrix products take.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from autograder.bench.environment import BenchError, libraries, python_of
from autograder.bench.grading import on
from autograder.bench.rows import Row, median_row

NAMES = {
    "transformer_lens_3": "TransformerLens 3.9",
    "transformer_lens_4": "TransformerLens 4",
    "transformers": "transformers, eager",
    "sae_lens": "SAELens",
}
OURS = ("transformers", "cache")  # need nothing that our own environment lacks
TITLES = {
    "forward": "forward, 2 layers of 64 (floor: 1.5 times)",
    "run_with_cache": "run_with_cache, 2 layers of 64 (floor: 2 times)",
    "sweep": "patching sweep of 256 cells (floor: 6 times)",
    "forward_gpt2": "forward, GPT-2 small's shape (floor: 0.91 times)",
    "cache_gpt2": "run_with_cache's memory, GPT-2 small's shape (limit: its tensors)",
    "sae_standard": "a step of training a ReLU SAE (floor: 2 times)",
    "sae_topk": "a step of training a TopK SAE (floor: 2 times)",
}
WORKER_SECONDS = 3600


class Lens:
    """The benchmark: run its steps, read its rows."""

    def __init__(self, folder: Path, *, peers: bool = True) -> None:
        """Keep environments under `folder`; without `peers`, compare with `transformers` alone."""
        self.folder = folder
        self.environments = [name for name in (*NAMES, "cache") if peers or name in OURS]
        self.rows: list[Row] = []

    def steps(self, rounds: int) -> Iterator[str]:
        """Do everything, saying before each step what it is."""
        pythons = {}
        for name in self.environments:
            if name in OURS:
                pythons[name] = Path(sys.executable)
                continue
            yield f"the environment of {NAMES[name]}"
            pythons[name] = python_of(self.folder / name, libraries(name))
        for name, python in pythons.items():
            yield f"{NAMES.get(name, 'memory')}, {rounds} rounds"
            self.rows += [row_of(name, measured) for measured in worker(python, name, rounds)]

    def finish(self) -> list[Row]:
        """Return all rows, those of one kind of work beside each other."""
        order = list(TITLES.values())
        return sorted(self.rows, key=lambda row: order.index(row.name))


def worker(python: Path, name: str, rounds: int) -> list[dict[str, Any]]:
    """Return what the worker measures in one environment, on one core.

    Raises:
        BenchError: it fails, for one because the two do not agree.

    """
    command = [str(python), "-m", "autograder.bench.lens_worker", name, str(rounds)]
    with on(sorted(os.sched_getaffinity(0))[-1:]):
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            timeout=WORKER_SECONDS,
            check=False,
        )
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["no message"]
        raise BenchError(f"the benchmark of {NAMES.get(name, name)} failed: {said[-1]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def row_of(environment: str, measured: dict[str, Any]) -> Row:
    """Return the row of one kind of work: milliseconds, or MB."""
    title, limit = TITLES[measured["name"]], measured["limit"]
    if environment == "cache":
        return Row(title, measured["ours"], "MB", 1, limit=limit)
    ours, peer, bare = ([1000 * one for one in measured[key]] for key in ("ours", "peer", "limit"))
    limits = median_row("", bare, "ms").ours
    name = NAMES[environment]
    return median_row(title, ours, "ms", peer=peer, peer_name=name, limit=limits)
