"""What a submission's own code costs: run in a warm process, with nothing of ours around it.

The process has imported what a fork server has, and forks for each submission, so that both start
equally warm. There is no confinement, no shell, no frame and no judge: the cells are compiled and
run, the functions called on the same inputs, and the clock stands around that alone.
"""

from __future__ import annotations

import contextlib
import gc
import io
import multiprocessing
import os
import sys
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from types import ModuleType
from typing import Any

from autograder.batch import Papers
from autograder.frames import encode, read_frame
from autograder.submissions import Submission


@dataclass(frozen=True)
class Call:
    """One call of a submission's function."""

    entry: str
    inputs: dict[str, Any]


@dataclass(frozen=True)
class Work:
    """The cells and calls that grading a submission consists of."""

    cells: tuple[str, ...]
    calls: tuple[Call, ...]

    @classmethod
    def of(cls, submission: Submission, student: str, papers: Papers) -> Work:
        """Return what runs when this submission of this student's is graded."""
        return cls(
            tuple(cell.source for cell in submission.cells if not cell.demonstration),
            tuple(
                Call(submission.entries[exercise.name], case.packed)
                for exercise in papers.lab.exercises
                if exercise.name in submission.entries
                for case in papers.cases(student, exercise)
            ),
        )


@dataclass(frozen=True)
class Cost:
    """Seconds that each cell and each call took, in order."""

    cells: tuple[float, ...]
    calls: tuple[float, ...]

    @property
    def seconds(self) -> float:
        """All of it."""
        return sum(self.cells) + sum(self.calls)


class WarmProcess:
    """A process with everything imported, that forks for each submission. Use it with `with`."""

    def __init__(self) -> None:
        """Start it, and wait until it is warm."""
        context = multiprocessing.get_context("spawn")
        self._ours, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()
        self._ours.recv_bytes()

    def __enter__(self) -> WarmProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self._ours.close()
        self._process.join()

    def run(self, work: Work) -> Cost:
        """Run cells and then calls in a fork, and return what they took."""
        calls = [[one.entry, one.inputs] for one in work.calls]
        order = {"cells": list(work.cells), "calls": calls}
        self._ours.send_bytes(encode("order", order))
        reply = read_frame(io.BytesIO(self._ours.recv_bytes()).read).value(trusted=False)
        return Cost(tuple(reply["cells"]), tuple(reply["calls"]))


def serve(orders: Connection) -> None:
    """Import what a fork server imports; then fork for every order until there are no more."""
    from autograder.sandbox import instruments, preload, view

    seen = view.look()
    home = seen.course_home
    preload.everything(
        {"packages": [home], "home": home, "files": seen.files, "import_library": False}
    )
    stand_in = instruments.stub()
    gc.collect()
    gc.freeze()
    orders.send_bytes(b"warm")
    while True:
        try:
            raw = orders.recv_bytes()
        except EOFError:
            return
        pid = os.fork()
        if pid == 0:
            answer(orders, raw, stand_in)
        os.waitpid(pid, 0)


def answer(orders: Connection, raw: bytes, stand_in: ModuleType) -> None:
    """In the fork: run what was ordered, send what it took, and end."""
    order = read_frame(io.BytesIO(raw).read).value(trusted=True)
    module = ModuleType("__main__")
    sys.modules.update({"__main__": module, "autograder": stand_in})
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115, PTH123
    cells = [timed(lambda s=source: run_cell(s, module)) for source in order["cells"]]
    calls = [
        timed(lambda e=entry, i=inputs: vars(module)[e](*i.values()))
        for entry, inputs in order["calls"]
    ]
    orders.send_bytes(encode("cost", {"cells": cells, "calls": calls}))
    os._exit(0)


def run_cell(source: str, module: ModuleType) -> None:
    """Run one cell as `exec` does."""
    exec(compile(source, "<cell>", "exec", dont_inherit=True), vars(module))


def timed(work: Any) -> float:
    """Return how many seconds some work takes; that it may raise is the student's business."""
    started = time.perf_counter()
    with contextlib.suppress(Exception):
        work()
    return time.perf_counter() - started
