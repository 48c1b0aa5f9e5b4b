"""What could be left of a submission: processes, mounts, descriptors, memory, files, IPC objects.

Two looks are compared, before and after. What this user may not look at is left out, and named.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from autograder.sandbox import Sandbox, SandboxError
from autograder.sandbox.launcher import Server

# The server itself takes a little more from time to time; a submission could leave gigabytes.
GROWTH_MB = 4.0
IPC = ("shm", "sem", "msg")
Look = dict[str, Any]


def look(sandbox: Sandbox, token: str) -> Look:
    """Look at the fork server and at this process; `token` stands in all that attacks name."""
    server = sandbox.server
    if not isinstance(server, Server):
        raise SandboxError("what a submission leaves behind can be seen on Linux only")
    pid = server_pid(server._process.pid)
    boxes = f"/proc/{pid}/root{server._folder or '/tmp'}"
    views: dict[str, Callable[[], Any]] = {
        "server": lambda: pid,
        "processes": lambda: sorted(_children(pid)),
        "named processes": lambda: sorted(_named(token)),
        "mounts": lambda: Path("/proc/self/mountinfo").read_text(),
        "mounts of the server": lambda: Path(f"/proc/{pid}/mountinfo").read_text(),
        "descriptors": lambda: len(os.listdir("/proc/self/fd")),  # noqa: PTH208
        "descriptors of the server": lambda: len(list(Path(f"/proc/{pid}/fd").iterdir())),
        "memory of the server": lambda: _anonymous_mb(pid),
        "files in the box's place": lambda: sorted(path.name for path in Path(boxes).iterdir()),
        "IPC objects": lambda: [_objects(kind, token) for kind in IPC],
    }
    return {name: _seen(view) for name, view in views.items()}


def differences(before: Look, after: Look) -> list[str]:
    """Return what is left, in a few words each."""
    found = []
    for name in before:
        if name == "server" or None in (before[name], after[name]) or before[name] == after[name]:
            continue
        if before["server"] != after["server"] and name.endswith("of the server"):
            continue  # another one took its place
        if name == "memory of the server":
            grown = after[name] - before[name]
            found += [f"memory of the server grew by {grown:.0f} MiB"] if grown > GROWTH_MB else []
        else:
            found.append(f"{name}: {_short(before[name])} before, {_short(after[name])} after")
    return sorted(found)


def unseen(seen: Look) -> list[str]:
    """Return what was not looked at, because this user may not."""
    return sorted(name for name, value in seen.items() if value is None)


def clear(token: str) -> None:
    """End the processes and remove the IPC objects that an attack has left, where nothing did."""
    for pid in _named(token):
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
    libc = ctypes.CDLL(None)
    for kind in IPC:
        for number in _objects(kind, token):
            getattr(libc, f"{kind}ctl")(number, 0, *([0] * (kind == "sem")), None)


def server_pid(pid: int) -> int:
    """Return the fork server's own pid, behind bubblewrap's processes."""
    while True:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        children = _children(pid)
        if not command[0].endswith(b"bwrap") or not children:
            return pid
        pid = min(children)


def _seen(view: Callable[[], Any]) -> Any:
    try:
        return view()
    except OSError:
        return None


def _objects(kind: str, token: str) -> list[int]:
    """Return the ids of the IPC objects that attacks made: their key is part of the token.

    Other objects are none of ours, and may be those of attacks that are tried at the same time.
    """
    lines = [line.split() for line in Path("/proc/sysvipc", kind).read_text().splitlines()[1:]]
    return [int(number) for key, number, *_ in lines if int(key) == ipc_key(token)]


def ipc_key(token: str) -> int:
    """Return the key by which attacks know IPC objects."""
    return int(token[:7], 16)


def _children(pid: int) -> set[int]:
    return {int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


def _named(token: str) -> Iterator[int]:
    """Yield the processes whose command line holds the token: attacks name theirs so."""
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if token.encode() in (folder / "cmdline").read_bytes():
                yield int(folder.name)


def _anonymous_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) / 1024
    raise OSError(f"/proc/{pid}/status has no RssAnon")


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
