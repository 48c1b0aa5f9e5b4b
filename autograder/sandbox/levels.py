"""How well this machine confines a student's code: found by trying to break out.

`namespaces`: all below, inside bubblewrap, and for each child user, pid, mount, network and ipc
    namespaces of its own, with a folder in memory that goes when the child goes.
`landlock`: Landlock, seccomp, limits, an ordinary user; nothing read but libraries, nothing written
    but an own folder, no network, no process started or reached.
`process`: an own process with limits and an empty environment. It stops accidents, not attacks.
    It is the best that there is where there is no Linux.
`none`: the same as the user who grades. By flag only.
"""

from __future__ import annotations

import os
import socket
import sys
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from autograder.sandbox import confine, landlock, seccomp
from autograder.sandbox.launcher import LEVELS, Sandbox, Server
from autograder.sandbox.program import Program, SandboxError
from autograder.sandbox.student import StudentProcess
from autograder.sandbox.view import PACKAGE, bubblewrap, interpreter, look, unreadable_to_others

if TYPE_CHECKING:
    from autograder.sandbox.workers import Workers

FORK_SERVER = sys.platform == "linux"
NEEDS_LINUX = (
    "`landlock` and `namespaces` need Linux: to grade for credit, use a Linux machine or container"
)
NO_BUBBLEWRAP = (
    "bubblewrap is missing, which `namespaces` needs and `landlock` is better with: install the "
    "package bubblewrap"
)
NOT_ISOLATED = "`process` stops accidents, not attacks: it neither hides files nor the network"
MEMORY_IS_WATCHED = (
    "memory is not limited by this system: what takes too much is ended, up to a twentieth of a "
    "second late"
)
NOTHING = "`none` was asked for: students' code runs with the rights of whoever grades"
# A student's submission that tries what must not work, and says what did.
ESCAPES = """
import ctypes, os, socket, subprocess

def attempts(bait, here, port, grader, servers):
    libc = ctypes.CDLL(None, use_errno=True)

    def connect(family, address):
        with socket.socket(family) as one:
            one.connect(address)

    def fork():
        if os.fork() == 0:
            os._exit(0)

    def trace():
        if libc.ptrace(16, os.getppid(), 0, 0):
            raise OSError

    tries = {
        "read a file outside": lambda: open(bait).read(),
        "write a file outside": lambda: open(bait, "a").close(),
        "truncate a file outside": lambda: os.truncate(bait, 0),
        "make a file outside": lambda: open(bait + ".new", "w").close(),
        "read the grader's code": lambda: open(here).read(),
        "connect to a port": lambda: connect(socket.AF_INET, ("127.0.0.1", port)),
        "connect to an abstract socket": lambda: connect(socket.AF_UNIX, "\\0" + grader),
        "start a process": fork,
        "start a program": lambda: subprocess.run(["/bin/true"]),
        "signal its parent": lambda: os.kill(os.getppid(), 0),
        "trace its parent": trace,
    }
    done = []
    for name, one in tries.items():
        try:
            one()
            done.append(name)
        except OSError:
            pass
    done += ["be root"] * (os.getuid() == 0)
    for kind, link in servers.items():
        if os.readlink(f"/proc/self/ns/{kind}") == link:
            done.append(f"share the server's {kind} namespace")
    return done
"""


@dataclass(frozen=True)
class Probe:
    """The best level that this machine gives, and why not a better one."""

    level: str
    reasons: list[str]


@lru_cache(maxsize=1)
def probe() -> Probe:
    """Start a fork server at the best level and see what its child cannot do."""
    try:
        with Sandbox() as sandbox:
            return Probe(sandbox.level, list(sandbox.reasons))
    except SandboxError as error:
        return Probe("none", [str(error)])


def require_levels(isolation: str | None, *, minimum: str) -> None:
    """Check, before anything starts, that both levels exist and do not contradict each other.

    Raises:
        SandboxError: there is no such level, or the one asked for is below the minimum.

    """
    for name in (isolation or minimum, minimum):
        if name not in LEVELS:
            raise SandboxError(f"no isolation is called {name!r}; there are {', '.join(LEVELS)}")
    if isolation and LEVELS.index(isolation) < LEVELS.index(minimum):
        raise SandboxError(
            f"isolation {isolation!r} is below the minimum {minimum!r}: lower --min-isolation too"
        )


def require_reached(level: str, reasons: list[str], *, minimum: str) -> None:
    """Check that the level that was reached is not below the minimum.

    Raises:
        SandboxError: it is; the text says why this machine gives no better one.

    """
    if LEVELS.index(level) < LEVELS.index(minimum):
        raise SandboxError(
            f"this machine gives isolation {level!r}, not {minimum!r}: {'; '.join(reasons)}"
        )


def settle(level: str | None) -> tuple[str, list[str], Server | Workers]:
    """Return the level reached, why not a better one, and what has shown it.

    Raises:
        SandboxError: the level that was asked for cannot be had.

    """
    if not FORK_SERVER:
        return _with_workers(level)
    if level == "none":
        return level, [NOTHING], Server(level, in_view=False)
    if level == "process":
        return level, [NOT_ISOLATED], Server(level, in_view=False)
    reasons = _missing()
    if not reasons:
        for way in _ways(level):
            server, found = _confined(*way)
            reasons += found
            if server:
                return server.level, reasons, server
    if level is not None:
        raise SandboxError(f"isolation {level!r} cannot be had here: {'; '.join(reasons)}")
    return "process", [*reasons, NOT_ISOLATED], Server("process", in_view=False)


def _with_workers(level: str | None) -> tuple[str, list[str], Workers]:
    """Return `process`, or `none` if it was asked for, with what either does not promise."""
    from autograder.sandbox.workers import Workers  # which needs what Linux does without

    if level not in (None, "process", "none"):
        raise SandboxError(f"isolation {level!r} cannot be had here: {NEEDS_LINUX}")
    reasons = [NOTHING] if level == "none" else [NEEDS_LINUX, NOT_ISOLATED]
    if not confine.LIMITS_MEMORY:
        reasons.append(MEMORY_IS_WATCHED)
    server = Workers(level or "process")
    return server.level, reasons, server


def _ways(level: str | None) -> list[tuple[str, bool]]:
    """Return level and view of what to try in turn, the best first."""
    every = [("namespaces", True), ("landlock", True), ("landlock", False)]
    return [way for way in every if level in (None, way[0])]


def _missing() -> list[str]:
    """Return what this machine lacks for `landlock`, and how to get it."""
    reasons = []
    if landlock.version() == 0:
        reasons.append(
            "this kernel has no Landlock: Linux 5.13 or later, with `landlock` in `lsm=`"
        )
    if seccomp.library() is None:
        reasons.append(
            "libseccomp is missing: install the package libseccomp2 (Fedora: libseccomp)"
        )
    return reasons


def _confined(level: str, in_view: bool) -> tuple[Server | None, list[str]]:
    """Return a fork server from which the escapes fail, or None; and what there is to say."""
    reasons = []
    if in_view and bubblewrap(look(), as_root=False) is None:
        return None, [NO_BUBBLEWRAP]
    if not in_view and os.getuid() == 0 and (folder := unreadable_to_others(interpreter())):
        reasons.append(
            f"the interpreter is under {folder}, which only root can enter: late imports fail"
        )
    try:
        server = Server(level, in_view=in_view)
    except SandboxError as error:
        return None, [f"`{level}` {'with' if in_view else 'without'} bubblewrap: {error}"]
    try:
        escaped = escapes(server)
    except SandboxError as error:
        server.close()
        return None, [f"`{level}`: {error}"]
    if escaped:
        server.close()
        return None, [f"`{level}`: a confined process could {what}" for what in escaped]
    return server, reasons


def escapes(server: Server) -> list[str]:
    """Run the escapes and return those that succeed."""
    with (
        tempfile.TemporaryDirectory(prefix="glassbox-bait-") as folder,
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.socket(socket.AF_UNIX) as abstract,
    ):
        # Open to everybody, so that nothing but the confinement stands in the way.
        Path(folder).chmod(0o777)
        bait = Path(folder, "bait")
        bait.write_text("bait")
        bait.chmod(0o666)
        name = f"glassbox-{os.urandom(8).hex()}"
        abstract.bind(f"\0{name}")
        abstract.listen()
        inputs = {
            "bait": str(bait),
            "here": str(PACKAGE / "sandbox" / "server.py"),
            "port": listener.getsockname()[1],
            "grader": name,
            "servers": server.ready["namespaces"] if server.level == "namespaces" else {},
        }
        with StudentProcess(server.fork, Program(cells=[ESCAPES])) as student:
            answer = student.call("attempts", inputs, seconds=30.0)
    if answer.status != "value":
        return [f"not be tried: {answer.status}: {answer.message}"]
    return list(answer.value)
