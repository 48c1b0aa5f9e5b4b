"""The fork server: imports what a lab needs once, then forks a process for each submission.

The launcher starts it through `bootstrap.py`, with a control socket as its argument. On the socket,
each message is JSON. First the configuration comes in and `ready` goes out. Then
`start` comes in with three pipe ends, and `started` goes out with the child's pidfd; when the child
and all that it started have ended, `ended` goes out, and `cleared` when its files are gone or are
too many to be worth it. At the end of the socket all children are killed and the server ends,
however the grader came to its own end.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import itertools
import json
import os
import select
import signal
import socket
import threading
import time
import traceback
from pathlib import Path
from typing import Any

from autograder.sandbox import confine, namespaces, pages, preload, privileges

MESSAGE = 1 << 20
PR_SET_DUMPABLE, PR_SET_CHILD_SUBREAPER = 4, 36
MAX_ENTRIES = 20_000
CLEAR_SECONDS = 2.0


def main(descriptor: str) -> None:
    """Get ready, say so, and serve until the control socket ends."""
    control = socket.socket(fileno=int(descriptor))
    config = json.loads(control.recv(MESSAGE))
    Server(control, config).serve()


class Server:
    """The loop between the control socket and the children."""

    def __init__(self, control: socket.socket, config: dict[str, Any]) -> None:
        self.control = control
        self.boxes = Path(config["boxes"])
        self.children: dict[int, tuple[int, Path | None]] = {}
        if config["level"] == "namespaces" and os.getuid() == 0:
            namespaces.own_proc()  # bubblewrap's is covered in part, and then no child gets one
        preload.everything(config)
        privileges.become(config["uid"])
        if config["level"] != "none" and privileges.capabilities():
            raise RuntimeError("this process has privileges that it cannot give up")

        self.ground = confine.Ground(
            level=config["level"],
            trees=tuple(config["trees"]),
            files=tuple(config["files"]),
            listed=tuple(config["listed"]),
            address_space=confine.address_space(),
            processes=config["processes"],
        )
        confine.prepare(self.ground)
        keep_to_itself()

    def serve(self) -> None:
        """Answer until the control socket ends."""
        self.say("ready", namespaces=namespaces.links(), uid=os.getuid())
        poll = select.poll()
        poll.register(self.control, select.POLLIN)
        while True:
            for ready, _ in poll.poll():
                if ready == self.control.fileno():
                    if not self.hear(poll):
                        return self.end()
                else:
                    poll.unregister(ready)
                    pid, box, ended = self.bury(ready)
                    self.say("ended", pid=pid, **ended)
                    self.say("cleared", pid=pid, clean=clear(box))

    def say(self, what: str, descriptors: tuple[int, ...] = (), **facts: Any) -> None:
        """Send one message."""
        raw = json.dumps({"message": what, **facts}).encode()
        socket.send_fds(self.control, [raw], list(descriptors))

    def hear(self, poll: select.poll) -> bool:
        """Take one message and start the child it asks for; False at the end of the socket."""
        raw, descriptors, _, _ = socket.recv_fds(self.control, MESSAGE, 3)
        if not raw:
            return False
        try:
            pid, box = self.fork(json.loads(raw), descriptors)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        pidfd = os.pidfd_open(pid)
        self.children[pidfd] = (pid, box)
        poll.register(pidfd, select.POLLIN)
        self.say("started", (pidfd,), pid=pid)
        return True

    def fork(self, order: dict[str, Any], pipes: list[int]) -> tuple[int, Path | None]:
        """Start a child; return its pid and the folder that it leaves behind, if it does."""
        from autograder.sandbox import instruments

        with contextlib.suppress(ImportError, AttributeError):  # the child will say so
            instruments.plan(tuple(order["withheld"]))  # kept, so that no child has to make it
        if self.ground.level != "namespaces":
            box = self.boxes / f"box-{os.urandom(8).hex()}"
            box.mkdir(mode=0o700)
            pid = os.fork()
            if pid == 0:
                self.become_child(order, pipes, box)
            return pid, box
        (self.boxes / "box").mkdir(mode=0o700, exist_ok=True)
        user = os.getuid(), os.getgid()  # inside they have no name yet
        pid = namespaces.clone()
        if pid == 0:
            self.become_first(order, pipes, user)
        return pid, None

    def become_first(self, order: dict[str, Any], pipes: list[int], user: tuple[int, int]) -> None:
        """In new namespaces: set them up, start the student's process, pass on how it ended."""
        status = 1
        try:
            box = self.boxes / "box"  # in memory, over a folder that is the same for all
            namespaces.settle(*user, str(box))
            student = os.fork()
            if student == 0:
                self.become_child(order, pipes, box)
            os.closerange(0, os.sysconf("SC_OPEN_MAX"))
            status = namespaces.wait(student)
        except BaseException:
            with contextlib.suppress(BaseException):
                traceback.print_exc()
        finally:
            os._exit(status)

    def become_child(self, order: dict[str, Any], pipes: list[int], box: Path) -> None:
        """Confine this new process, tell the launcher, and serve it; never return."""
        status = 1
        try:
            run_student(self.ground, order, pipes, str(box))
            status = 0
        except BaseException:
            with contextlib.suppress(BaseException):
                traceback.print_exc()
        finally:
            os._exit(status)

    def bury(self, pidfd: int) -> tuple[int, Path | None, dict[str, Any]]:
        """Reap a child, end all that it started; return its pid, its box and how it ended."""
        pid, box = self.children.pop(pidfd)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        _, status, usage = os.wait4(pid, 0)
        os.close(pidfd)
        self.end_orphans()
        code = os.waitstatus_to_exitcode(status)
        if box is None:
            code = namespaces.decoded(code)
        return pid, box, {"code": code, "peak_rss_mb": usage.ru_maxrss / 1024}

    def end_orphans(self) -> None:
        """Kill what children left behind: as a subreaper the server has become its parent."""
        known = {pid for pid, _ in self.children.values()}
        while orphans := descendants() - known:
            for pid in orphans:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            for pid in orphans:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, 0)

    def end(self) -> None:
        """Kill every child and what it left."""
        for pid, _ in self.children.values():
            os.kill(pid, signal.SIGKILL)
        for pidfd in list(self.children):
            with contextlib.suppress(OSError):
                clear(self.bury(pidfd)[1])


def run_student(ground: Any, order: dict[str, Any], pipes: list[int], box: str) -> None:
    """In the child: take the student's place, give up all else, and answer."""
    from autograder.sandbox import child, instruments

    os.setsid()
    confine.take_pipes(*pipes)
    withheld = instruments.plan(tuple(order["withheld"]))
    withheld.carry_out()
    confine.enter_box(box)
    instruments.forget_autograder()
    confine.limit(ground, order["megabytes"])
    confine.restrict(ground, box, withheld.sources)
    child.send({"status": "ready"})
    child.serve(ground)


def keep_to_itself() -> None:
    """Make sure that a fork is safe, and that children find nothing here to read or to pay for."""
    import linecache

    import torch

    from autograder.sandbox import instruments
    from course import assembly

    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    tasks = len(list(Path("/proc/self/task").iterdir()))
    if torch.get_num_threads() != 1 or threading.active_count() != 1 or tasks != 1:
        raise RuntimeError(f"the fork server has {tasks} threads; a fork would hang")
    assembly.prepare()
    instruments.note_modules()
    linecache.clearcache()
    gc.collect()
    gc.freeze()
    pages.gather()


def descendants() -> set[int]:
    """Return the pids of this process's children."""
    listed = Path(f"/proc/self/task/{os.getpid()}/children").read_text()
    return {int(pid) for pid in listed.split()}


def clear(box: Path | None) -> bool:
    """Delete a folder, however deep; return False when that cannot be done, or takes too long.

    None is a folder that went with its mount. What is in its folders is first moved to the top, so
    that no path gets long.
    """
    try:
        return box is None or Clearing(box).done()
    except OSError:
        return False


class Clearing:
    """The deletion of one folder: how much of it is done, and when to give it up."""

    def __init__(self, box: Path) -> None:
        self.box = box
        self.count = 0
        self.deadline = time.monotonic() + CLEAR_SECONDS

    def done(self) -> bool:
        """Delete it; return False when there is too much in it to be worth it."""
        while entries := list(itertools.islice(os.scandir(self.box), MAX_ENTRIES)):
            for entry in entries:
                if self.is_too_much():
                    return False
                if not entry.is_dir(follow_symlinks=False):
                    Path(entry.path).unlink()
                elif not self.emptied(entry.path):
                    return False
        self.box.rmdir()
        return True

    def emptied(self, folder: str) -> bool:
        """Move what is in a folder to the top and delete the folder."""
        Path(folder).chmod(0o700)
        for inner in list(itertools.islice(os.scandir(folder), MAX_ENTRIES)):
            if self.is_too_much():
                return False
            if inner.is_dir(follow_symlinks=False):
                Path(inner.path).chmod(0o700)
            Path(inner.path).rename(self.box / f"{self.box.name}-{self.count}")
        Path(folder).rmdir()
        return True

    def is_too_much(self) -> bool:
        """Count one more entry; tell whether to give up."""
        self.count += 1
        return self.count > MAX_ENTRIES or time.monotonic() > self.deadline
