"""Inside the student's process: run the cells, then answer calls, one at a time.

What this writes is only ever the student's claim, since the student's code runs in the same
process. It is honest for an honest student, and the grader's side believes no more than a value.
"""

from __future__ import annotations

import contextlib
import gc
import inspect
import linecache
import os
import random
import sys
import time
from collections.abc import Callable
from types import CodeType, TracebackType
from typing import Any

import numpy as np
import torch

from autograder.advice import Before
from autograder.frames import Frame, encode, read_own_frame
from autograder.sandbox import confine
from autograder.sandbox.shell import CELL, Shell
from autograder.values import ValueCrossingError

if sys.platform != "win32":
    import resource

MAX_MESSAGE = 2000
OUT_OF_MEMORY = ("can't allocate memory", "not enough memory", "bad_alloc", "Cannot allocate")
Reply = dict[str, Any]


class Student:
    """A submission's namespace, and the two things that can be done with it."""

    def __init__(self, ground: confine.Ground) -> None:
        self.ground = ground
        self.shell = Shell.instance()
        self.names = self.shell.user_ns
        seed(0)

    def run_cell(self, request: Reply) -> Reply:
        """Run a code cell."""

        def run() -> Reply:
            result = self.shell.run_cell_of(request["index"], request["source"])
            result.raise_error()
            return {"status": "ok"}

        return self._guarded(run, None, request["megabytes"])

    def call(self, request: Reply, given: Frame) -> Reply:
        """Call one of the submission's functions on a fresh copy of the arguments given."""
        name, arguments = request["entry"], given.value(trusted=True)
        function = self.names.get(name)
        if function is None:
            return {
                "status": "missing",
                "message": f"nothing is called `{name}` after the cells ran",
            }
        if not callable(function):
            kind = type(function).__name__
            return {"status": "missing", "message": f"`{name}` is of type {kind}, not a function"}
        names = request["names"]
        trees = dict(zip(names, given.tree["list"], strict=True))
        before = Before(dict(zip(names, arguments, strict=True)), trees, given.tensors)
        seed(request["seed"])
        started = time.perf_counter()

        def run() -> Reply:
            with self.shell.builtin_trap:  # `display` and `get_ipython`, as in a cell
                return {"status": "value", "value": function(*arguments)}

        reply = self._guarded(run, _code(function), request["megabytes"])
        reply["seconds"] = time.perf_counter() - started
        with contextlib.suppress(Exception):  # of arguments that have been made unreadable
            reply["advice"] = before.advice()
        return reply

    def _guarded(self, run: Callable[[], Reply], own: CodeType | None, megabytes: int) -> Reply:
        confine.allow_memory(self.ground, megabytes)
        try:
            return run()
        except SystemExit as error:
            return {"status": "crash", "message": f"ended early: sys.exit({_text(error)})"}
        except BaseException as error:  # whatever a student's code can raise
            confine.allow_memory(self.ground, None)
            return failure(error, own)
        finally:
            confine.allow_memory(self.ground, None)


def serve(ground: confine.Ground) -> None:
    """Answer requests until there are no more."""
    student = Student(ground)
    while True:
        frame = read_own_frame(receive)
        request = frame.value(trusted=True)
        if frame.kind == "call":
            reply = student.call(request, read_own_frame(receive))
        else:
            reply = student.run_cell(request)
        send(reply | {"token": request["token"], "peak_rss_mb": peak_rss_mb()})
        del frame, request, reply


def receive(count: int) -> bytes:
    """Read some of what the grader has sent."""
    return os.read(confine.REQUESTS, count)


def send(reply: Reply) -> None:
    """Write one reply; a value that may not cross is replaced by the reason."""
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        raw = encode("reply", reply)
    except ValueCrossingError as error:
        raw = encode("reply", reply | {"status": "invalid_output", "value": None} | _why(error))
    except BaseException as error:  # a value of the student's own making, or too large a one
        raw = encode("reply", reply | {"value": None} | failure(error, None))
    left = memoryview(raw)
    while left:
        left = left[os.write(confine.REPLIES, left) :]


def failure(error: BaseException, own: CodeType | None) -> Reply:
    """Say what was raised, and where in the student's cells."""
    place, frames = _place(error.__traceback__)
    text = _text(error)
    if isinstance(error, MemoryError) or any(sign in text for sign in OUT_OF_MEMORY):
        error.__traceback__ = None
        gc.collect()
        return {"status": "memory", "message": f"not enough memory{place}"}
    if isinstance(error, NotImplementedError) and frames and frames[-1] is own:
        return {"status": "not_started", "message": text}
    kind = type(error).__name__
    return {"status": "error", "message": f"{kind}: {text}"[:MAX_MESSAGE] + place}


def _place(traceback: TracebackType | None) -> tuple[str, list[CodeType]]:
    codes, place = [], ""
    while traceback is not None:
        code = traceback.tb_frame.f_code
        codes.append(code)
        if code.co_filename.startswith(CELL):
            line = linecache.getline(code.co_filename, traceback.tb_lineno).strip()
            cell = code.co_filename.strip("<>")
            place = f"\n{cell}, line {traceback.tb_lineno}: {line[:200]}"
        traceback = traceback.tb_next
    return place, codes


def _code(function: Any) -> CodeType | None:
    try:
        return inspect.unwrap(function).__code__
    except (AttributeError, ValueError):  # a class, a partial; a wrapper around itself
        return None


def _text(error: BaseException) -> str:
    try:
        return str(error)[:MAX_MESSAGE]
    except BaseException:  # a __str__ of the student's own
        return ""


def _why(error: Exception) -> Reply:
    return {"message": str(error)[:MAX_MESSAGE]}


def seed(number: int) -> None:
    """Start every random source from `number`."""
    random.seed(number)
    np.random.seed(number)  # noqa: NPY002 (students use the old functions too)
    # torch.manual_seed also notes a traceback for each kind of device there might be.
    torch.default_generator.manual_seed(number)


def peak_rss_mb() -> float | None:
    """Return the most memory that this process has had, in MiB; None on Windows."""
    if sys.platform == "win32":
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20
