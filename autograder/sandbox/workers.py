"""Where there is no fork server, as on macOS and Windows: an interpreter for each submission.

It takes seconds to start, most of them to import torch, so the next is started while the last is at
work. Each is used once, so that no submission can leave anything in memory for another. This stops
accidents, not attacks. Students' code runs as whoever grades (an ordinary user where that is root)
and can read files, reach the network, and leave a process running that has cut itself loose.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

from autograder.frames import MAX_FRAME, HostileFrameError, encode
from autograder.sandbox import claims, confine
from autograder.sandbox.pipes import PipeClosedError
from autograder.sandbox.program import Program, SandboxError
from autograder.sandbox.streams import Streams
from autograder.sandbox.user import environment, free_uid
from autograder.sandbox.view import interpreter, look, unreadable_to_others

SCRIPT = Path(__file__).resolve().with_name("bootstrap.py")
START_SECONDS = 120.0
ORDER_SECONDS = 30.0
END_SECONDS = 30.0
WATCH_SECONDS = 0.05
# Away from the grader's Ctrl-C, and no window for it.
WINDOWS_FLAGS = sum(
    getattr(subprocess, name, 0) for name in ("CREATE_NEW_PROCESS_GROUP", "CREATE_NO_WINDOW")
)
FONT_LIST = "fontlist*.json"


class Workers:
    """Workers of which one is always started ahead; stands where `launcher.Server` does on Linux.

    Attributes:
        level: `process`, or `none`, which differ for root alone.
        fonts: matplotlib's list of fonts by file name, which takes it seconds to make.

    """

    def __init__(self, level: str = "process") -> None:
        """Start the first, and wait until it is ready.

        Raises:
            SandboxError: it does not start.

        """
        self.level = level
        self.fonts: dict[str, bytes] = {}
        self._next: Worker | None = Worker(self)
        try:
            self._next.wait_until_started()
        except BaseException:
            self.close()
            raise
        self.fonts = self._next.fonts()

    def fork(self, program: Program) -> Worker:
        """Return a worker that waits for requests, and start the next."""
        worker = self._next
        if worker is None:
            raise SandboxError("these workers are closed")
        self._next = Worker(self)
        try:
            worker.wait_until_started()
            worker.order(program)
        except BaseException:
            worker.end()
            raise
        return worker

    def errors(self) -> str:
        """Return what there is to say when a worker ended without a word of its own."""
        return "it said nothing"

    def close(self) -> None:
        """End the worker that was started ahead; the others end with their submissions."""
        if self._next is not None:
            worker, self._next = self._next, None
            worker.end()


class Worker:
    """An interpreter for one submission; what `launcher.Child` is to a fork server."""

    def __init__(self, server: Workers) -> None:
        self.server = server
        self.ended_itself = False
        self._has_started = False
        self._most_bytes: float = math.inf
        self._too_large = False
        self._folder = Path(tempfile.mkdtemp(prefix="glassbox-"))
        uid = free_uid() if server.level != "none" and _is_root() else None
        try:
            self._fill_folder(uid)
            self._process = self._start(uid)
        except OSError as error:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise SandboxError(f"a worker does not start: {error}") from error
        self._known = psutil.Process(self._process.pid)
        self.pipes = Streams(self._process)
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    def wait_until_started(self) -> None:
        """Return when it has imported all it needs; raise SandboxError if that fails."""
        if self._has_started:
            return
        try:
            self.pipes.receive(time.monotonic() + START_SECONDS, MAX_FRAME)
            self._has_started = True
        except (HostileFrameError, TimeoutError) as error:
            self.end()
            said = self.pipes.printed.decode(errors="replace").strip().splitlines()
            reason = said[-1] if said else self.server.errors()
            raise SandboxError(f"a worker does not start: {reason}") from error

    def order(self, program: Program) -> None:
        """Say for what it is needed."""
        order = {"withheld": list(program.withheld), "megabytes": program.megabytes}
        try:
            self._most_bytes = self._known.memory_info().rss + program.megabytes * confine.MIB
            self.pipes.send(encode("order", order), time.monotonic() + ORDER_SECONDS)
        except (psutil.Error, PipeClosedError, TimeoutError) as error:
            raise SandboxError("a worker has ended before it was used") from error

    def end(self, grace: float = 0.0) -> int:
        """Kill the process unless it ends by itself within `grace` seconds; return its exit code.

        The code is negative for a signal, as in `subprocess`. What the process had started is ended
        too, as far as it is still known whose it was.
        """
        self._watcher.join(grace)
        self.ended_itself = not self._watcher.is_alive()
        if not self.ended_itself:
            self._kill()
            self._watcher.join(END_SECONDS)
        self.pipes.close()
        shutil.rmtree(self._folder, ignore_errors=True)
        if self._watcher.is_alive():
            raise SandboxError("a worker cannot be ended")
        return -claims.SIGKILL if self._too_large else self._process.wait()

    def fonts(self) -> dict[str, bytes]:
        """Return matplotlib's list of fonts, which it made here."""
        return {path.name: path.read_bytes() for path in self._matplotlib.glob(FONT_LIST)}

    @property
    def _matplotlib(self) -> Path:
        return self._folder / "matplotlib"

    def _fill_folder(self, uid: int | None) -> None:
        box = self._folder / "box"
        for folder in (box, self._matplotlib):
            folder.mkdir()
        for name, content in self.server.fonts.items():
            (self._matplotlib / name).write_bytes(content)
        if uid is not None:
            for path in (self._folder, *self._folder.rglob("*")):
                os.chown(path, uid, uid)

    def _start(self, uid: int | None) -> subprocess.Popen[bytes]:
        view = look()
        config = {
            "packages": view.packages,
            "home": view.course_home,
            "files": view.files,
            "import_library": uid is not None and bool(unreadable_to_others(interpreter())),
            "uid": uid,
        }
        command = [interpreter(), "-s", "-S", "-P", "-B", "-X", "utf8", str(SCRIPT), "worker"]
        return subprocess.Popen(
            [*command, json.dumps(config)],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self._folder / "box",
            env=environment(str(self._folder)),
            start_new_session=sys.platform != "win32",
            creationflags=WINDOWS_FLAGS,
        )

    def _watch(self) -> None:
        """Wait for the end, or bring it about when memory is over; then end what is left behind."""
        while self._process.returncode is None:
            try:
                self._process.wait(None if confine.LIMITS_MEMORY else WATCH_SECONDS)
            except subprocess.TimeoutExpired:
                with contextlib.suppress(psutil.Error):
                    if self._known.memory_info().rss > self._most_bytes:
                        self._too_large = True
                        self._kill()
        if sys.platform != "win32":
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _kill(self) -> None:
        """Kill the process, and those that it is known to have started."""
        family = []
        with contextlib.suppress(psutil.Error):
            family = self._known.children(recursive=True)
        for one in (self._known, *family):
            with contextlib.suppress(psutil.Error):
                one.kill()


def _is_root() -> bool:
    return sys.platform != "win32" and os.getuid() == 0
