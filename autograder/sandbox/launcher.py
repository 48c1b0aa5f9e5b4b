"""Start a fork server, and from it a process for each submission.

The grader owns a `Sandbox` per thread. Everything that waits has a deadline, and everything that
goes wrong on this side raises `SandboxError`: the student is not to blame, and the grade stays
open.

macOS and Windows have neither bubblewrap nor a fork that is safe after torch has been used. What
stands in for `Server` there is in `workers.py`.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograder.sandbox.pipes import Pipes
from autograder.sandbox.program import Program, SandboxError
from autograder.sandbox.student import StudentProcess
from autograder.sandbox.user import environment, free_uid, own_tasks
from autograder.sandbox.view import bubblewrap, interpreter, look, unreadable_to_others

if TYPE_CHECKING:
    from autograder.sandbox.workers import Workers

LEVELS = ("none", "process", "landlock", "namespaces")
SCRIPT = Path(__file__).resolve().with_name("bootstrap.py")
MESSAGE = 1 << 20
START_SECONDS = 120.0
ANSWER_SECONDS = 30.0
CLEAR_SECONDS = 5.0
PROCESSES = 128
SPARE_PROCESSES = 512


class Sandbox:
    """Where submissions run on this machine. Use it in a `with` block, from one thread at a time.

    Attributes:
        level: how well students' processes are confined: `landlock`, `process` or `none`.
        reasons: why not better, and what to install.

    """

    def __init__(self, level: str | None = None) -> None:
        """Start at `level`; None for the best that this machine gives.

        Raises:
            SandboxError: this machine does not reach the level, or nothing starts at all.

        """
        from autograder.sandbox.levels import settle

        self._server: Server | Workers | None = None
        self.level, self.reasons, self._server = settle(level)

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self, program: Program) -> StudentProcess:
        """Run a submission's cells in a new process; its functions can then be called."""
        return StudentProcess(lambda one: self.server.fork(one), program)

    @property
    def server(self) -> Server | Workers:
        """The fork server, a new one when the last has died; or the workers in its place."""
        if self._server is None:
            raise SandboxError("this sandbox is closed")
        if isinstance(self._server, Server) and self._server.spent:
            self._server.close()
            self._server = Server(self._server.level, in_view=self._server.in_view)
        return self._server

    def close(self) -> None:
        """End the server and every process that came from it."""
        if self._server is not None:
            self._server.close()
            self._server = None


class Child:
    """One forked process: its pid there, a handle to it here, and its pipes."""

    def __init__(self, server: Server, pid: int, pidfd: int, pipes: Pipes) -> None:
        self.server, self.pid, self.pidfd, self.pipes = server, pid, pidfd, pipes
        self.ended_itself = False

    def end(self, grace: float = 0.0) -> int:
        """Kill the process unless it ends by itself within `grace` seconds; return its exit code.

        The code is negative for a signal, as in `subprocess`. When this returns, all that the
        process had started is gone too.
        """
        poll = select.poll()
        poll.register(self.pidfd, select.POLLIN)
        self.ended_itself = bool(poll.poll(grace * 1000))
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)
        os.close(self.pidfd)
        self.pipes.close()
        return self.server.wait_for(self.pid)


class Server:
    """The grader's end of a fork server.

    Attributes:
        level: what it asks of its children.
        in_view: whether bubblewrap gives it a file system of its own.
        spent: whether the next submission needs another one.

    """

    def __init__(self, level: str, *, in_view: bool) -> None:
        self.level, self.in_view = level, in_view
        self._spent = False
        self._ended: dict[int, int] = {}
        self._uncleared: set[int] = set()
        self._root = os.getuid() == 0
        self._folder: Path | None = None
        if not in_view:  # there it has a /tmp of its own
            self._folder = Path(tempfile.mkdtemp(prefix="glassbox-"))
            self._folder.chmod(0o1733)
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            self._start(theirs)
        except BaseException:
            self.close()
            raise
        finally:
            theirs.close()

    @property
    def spent(self) -> bool:
        """Whether it has ended, or a submission has left too much in its file system."""
        try:
            while self._uncleared and not self._spent:
                self._hear(CLEAR_SECONDS, "cleared")
        except (OSError, SandboxError):
            self._spent = True  # dead, or not done in time: no submission is graded in what is left
        return self._spent or self._process.poll() is not None

    def fork(self, program: Program) -> Child:
        """Return a confined process that waits for requests."""
        pipes = Pipes()
        order = {"withheld": list(program.withheld), "megabytes": program.megabytes}
        try:
            socket.send_fds(self._control, [json.dumps(order).encode()], list(pipes.theirs))
            started, descriptors = self._hear(ANSWER_SECONDS, "started")
        except (OSError, SandboxError) as error:
            pipes.close()
            raise self._death(error) from error
        pipes.give_theirs()
        return Child(self, started["pid"], descriptors[0], pipes)

    def wait_for(self, pid: int) -> int:
        """Return a child's exit code once it and all that it started are gone."""
        try:
            while pid not in self._ended:
                self._hear(ANSWER_SECONDS, "ended")
        except (OSError, SandboxError) as error:
            raise self._death(error) from error
        return self._ended.pop(pid)

    def _death(self, error: Exception) -> SandboxError:
        reason = self.errors() or error
        self.close()
        return SandboxError(f"the fork server has died: {reason}")

    def errors(self) -> str:
        """Return the last line that the server wrote to stderr."""
        if self._errors.closed:
            return ""
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else ""

    def close(self) -> None:
        """End it, whether it is well or not."""
        self._spent = True
        self._control.close()
        process = getattr(self, "_process", None)
        if process is not None:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self._errors.close()
        if self._folder is not None:
            with contextlib.suppress(RecursionError):
                shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self, theirs: socket.socket) -> None:
        view = look()
        boxes = str(self._folder or "/tmp")
        command = [interpreter(), "-s", "-S", "-P", "-B", "-X", "utf8", str(SCRIPT)]
        if self.in_view:
            command = (
                bubblewrap(view, as_root=self._root, level=self.level) or ["bwrap"]
            ) + command
        self._process = subprocess.Popen(
            [*command, "server", str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            stdout=self._errors,
            stderr=self._errors,
            pass_fds=(theirs.fileno(),),
            cwd="/",
            env=environment(boxes),
            start_new_session=True,
        )
        theirs.close()
        config = {
            "level": self.level,
            "packages": view.packages,
            "home": view.course_home,
            "trees": view.trees,
            "files": view.files,
            "listed": view.listed,
            "boxes": boxes,
            "import_library": self._library_is_out_of_reach(),
            "uid": free_uid() if self._root and self.level != "none" else None,
            "processes": PROCESSES if self._root else own_tasks() + SPARE_PROCESSES,
        }
        try:
            self._control.send(json.dumps(config).encode())
            self.ready, _ = self._hear(START_SECONDS, "ready")
        except (OSError, SandboxError) as error:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(1)
            raise SandboxError(
                f"the fork server does not start: {self.errors() or error}"
            ) from error

    def _library_is_out_of_reach(self) -> bool:
        return self._root and not self.in_view and bool(unreadable_to_others(interpreter()))

    def _hear(self, seconds: float, expected: str) -> tuple[dict[str, Any], list[int]]:
        """Return the next message of the kind expected, and note what it says of a child's end."""
        deadline = time.monotonic() + seconds
        while True:
            self._control.settimeout(max(0.001, deadline - time.monotonic()))
            raw, descriptors, _, _ = socket.recv_fds(self._control, MESSAGE, 1)
            if not raw:
                raise SandboxError("it ended")
            message = json.loads(raw)
            if message["message"] == "ended":
                self._ended[message["pid"]] = message["code"]
                self._uncleared.add(message["pid"])
            elif message["message"] == "cleared":
                self._uncleared.discard(message["pid"])
                self._spent |= not message["clean"]
            if message["message"] == expected:
                return message, descriptors
