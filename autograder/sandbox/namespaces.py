"""Give a student's process a world of its own: processes, mounts, network, IPC, and a user.

Each child is cloned into new namespaces. Its first process only sets them up and waits, because
the kernel shields the first process of a namespace from most signals, and a student's code has to
die there as it does elsewhere. When that process ends, for whatever reason, the kernel ends all
that runs in its namespace and drops its mounts, so nothing is left to clean up.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import signal
from pathlib import Path
from typing import Any

from autograder.sandbox import privileges

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x00020000, 0x04000000, 0x08000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
EVERY = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS
NAMES = ("user", "pid", "mnt", "net", "ipc", "uts")
CLONE = {"x86_64": 56, "aarch64": 220}
MOUNT_SETATTR = 442
AT_FDCWD, AT_RECURSIVE = -100, 0x8000
MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID = 0x1, 0x2
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REC, MS_PRIVATE = 2, 4, 8, 1 << 14, 1 << 18
PR_SET_DUMPABLE = 4
BOX_BYTES, BOX_FILES = 256 << 20, 20_000
# An exit status has no room for a signal's number beside others: as in a shell, it is added to 128.
SIGNALLED = 128

# With the interpreter's lock held, so that both sides of the clone have it.
_LIBC = ctypes.PyDLL(None, use_errno=True)


class _MountAttributes(ctypes.Structure):
    _fields_ = tuple(
        (name, ctypes.c_uint64) for name in ("attr_set", "attr_clr", "propagation", "userns_fd")
    )


def clone() -> int:
    """Fork into new namespaces of every kind; return the child's pid, and 0 in the child.

    Raises:
        OSError: this kernel or this container does not allow it.

    """
    number = CLONE.get(platform.machine())
    if number is None:
        raise OSError(f"no number is known for clone() on {platform.machine()}")
    flags = ctypes.c_ulong(EVERY | signal.SIGCHLD)
    nothing = ctypes.c_void_p(0)
    ctypes.pythonapi.PyOS_BeforeFork()
    pid = _LIBC.syscall(number, flags, nothing, nothing, nothing, nothing)
    if pid == 0:
        ctypes.pythonapi.PyOS_AfterFork_Child()
        return 0
    number = ctypes.get_errno()
    ctypes.pythonapi.PyOS_AfterFork_Parent()
    if pid < 0:
        raise OSError(number, f"clone: {os.strerror(number)}")
    return pid


def settle(uid: int, gid: int, box: str) -> None:
    """In the first process: keep the user's id, see only what is here, write only to `box`."""
    _LIBC.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)  # else the maps below belong to root
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{uid} {uid} 1"),
        ("gid_map", f"{gid} {gid} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:  # noqa: PTH123 (nothing imported late)
            file.write(text)
    _mount(None, "/", None, MS_REC | MS_PRIVATE)
    attributes = _MountAttributes(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID, 0, 0, 0)
    done = _LIBC.syscall(
        MOUNT_SETATTR,
        AT_FDCWD,
        b"/",
        AT_RECURSIVE,
        ctypes.byref(attributes),
        ctypes.c_size_t(ctypes.sizeof(attributes)),
    )
    _checked(done, "making what is outside read-only")
    options = f"size={BOX_BYTES},nr_inodes={BOX_FILES},mode=700"
    _mount("tmpfs", box, "tmpfs", MS_NOSUID | MS_NODEV, options)
    own_proc()
    privileges.drop_bounding_set()
    privileges.drop_capabilities()
    _LIBC.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


def own_proc() -> None:
    """Mount a /proc that shows this namespace's processes."""
    _mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)


def wait(student: int) -> int:
    """In the first process: wait for the student's, and whom it leaves behind; return its code."""
    while True:
        with contextlib.suppress(InterruptedError):
            pid, status = os.wait()
            if pid == student:
                return encoded(os.waitstatus_to_exitcode(status))


def encoded(code: int) -> int:
    """Return an exit code as the first process passes it on."""
    return SIGNALLED - code if code < 0 else min(code, SIGNALLED - 1)


def decoded(code: int) -> int:
    """Return the exit code that `encoded` was given; negative for a signal."""
    return SIGNALLED - code if code > SIGNALLED else code


def links() -> dict[str, str]:
    """Return what this process's namespaces are called, by kind."""
    return {name: str(Path("/proc/self/ns", name).readlink()) for name in NAMES}


def _mount(source: Any, target: str, kind: Any, flags: int, options: str = "") -> None:
    done = _LIBC.mount(
        source and source.encode(),
        target.encode(),
        kind and kind.encode(),
        ctypes.c_ulong(flags),
        options.encode() or None,
    )
    _checked(done, f"mounting {kind or 'privately'} on {target}")


def _checked(result: int, what: str) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
