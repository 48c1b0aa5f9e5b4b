"""Seccomp, through libseccomp: system calls that a student's process may not make.

A list of refusals rather than of permissions, so that what torch and Python do goes on working on
another kernel or C library. What is refused: starting processes and programs, networks, reaching
into other processes, and the parts of the kernel that no exercise has business with. Threads are
allowed. A refused call fails with EPERM, which Python shows as PermissionError.
"""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from autograder.sandbox import landlock

LIBRARY = "libseccomp.so.2"
ALLOW = 0x7FFF0000
KILL_PROCESS = 0x80000000
NE, MASKED_EQ = 1, 7
CLONE_THREAD = 0x00010000
LOWER_HALF = 0xFFFFFFFF
PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
INSTRUCTION_BYTES = 8
AF_UNIX = 1
UNKNOWN = -1  # __NR_SCMP_ERROR: a name that this libseccomp does not know
ATTRIBUTE_BAD_ARCHITECTURE = 2

REFUSED = (
    # processes and programs
    "fork vfork execve execveat",
    # other processes
    "ptrace process_vm_readv process_vm_writev process_madvise process_mrelease kcmp tkill"
    " pidfd_open pidfd_getfd pidfd_send_signal migrate_pages move_pages ioprio_set setpriority",
    # sockets that reach anywhere; socketpair remains, for asyncio
    "connect bind listen accept accept4 sendmsg sendmmsg",
    # memory that no limit counts, and that outlives the process
    "memfd_create memfd_secret shmget shmat msgget semget mq_open",
    # the file system's shape
    "mount umount2 pivot_root chroot move_mount open_tree fsopen fsconfig fsmount fspick"
    " mount_setattr open_tree_attr name_to_handle_at open_by_handle_at unshare setns"
    " quotactl quotactl_fd mknod mknodat fanotify_init inotify_init inotify_init1",
    # the kernel
    "bpf perf_event_open userfaultfd io_uring_setup io_uring_enter io_uring_register keyctl"
    " add_key request_key init_module finit_module delete_module kexec_load kexec_file_load"
    " reboot swapon swapoff acct settimeofday clock_settime clock_adjtime adjtimex sethostname"
    " setdomainname syslog iopl ioperm vhangup lookup_dcookie",
)
# Landlock does not cover these. They report success and do nothing, so that copying a file works.
IGNORED = (
    "chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat utime utimes utimensat futimesat"
    " setxattr lsetxattr fsetxattr setxattrat removexattr lremovexattr fremovexattr removexattrat"
    " file_setattr"
)
# Allowed with this value of this argument alone: mostly 0, which means oneself or nobody.
ONLY_WITH = {
    "socket": (0, AF_UNIX),
    "socketpair": (0, AF_UNIX),
    "sendto": (4, 0),
    "prlimit64": (0, 0),
    "sched_setaffinity": (0, 0),
    "sched_setscheduler": (0, 0),
    "sched_setparam": (0, 0),
    "sched_setattr": (0, 0),
}
# A file can be told whom to signal: F_SETOWN, F_SETSIG, F_SETOWN_EX, FIOSETOWN, SIOCSPGRP.
NEVER_WITH = (
    ("fcntl", 1, 8),
    ("fcntl", 1, 10),
    ("fcntl", 1, 15),
    ("ioctl", 1, 0x8901),
    ("ioctl", 1, 0x8902),
)
# Younger than many a libseccomp, which would pass them over. From 424 on, x86_64, aarch64 and all
# that came later have the same numbers.
NUMBERS = {
    "process_madvise": 440,
    "mount_setattr": 442,
    "quotactl_fd": 443,
    "memfd_secret": 447,
    "process_mrelease": 448,
    "fchmodat2": 452,
    "setxattrat": 463,
    "removexattrat": 466,
    "open_tree_attr": 467,
    "file_setattr": 469,
}
# What younger kernels have: not there, as on this one, until somebody has looked at it.
UNHEARD_OF = range(470, 520)
ONLY_TO_ONESELF = ("kill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo")


class _Comparison(ctypes.Structure):
    _fields_ = (
        ("argument", ctypes.c_uint),
        ("operator", ctypes.c_int),
        ("first", ctypes.c_uint64),
        ("second", ctypes.c_uint64),
    )


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


@cache
def library() -> ctypes.CDLL | None:
    """Return libseccomp, or None when this machine has not got it."""
    try:
        found = ctypes.CDLL(LIBRARY, use_errno=True)
    except OSError:
        return None
    found.seccomp_init.restype = ctypes.c_void_p
    found.seccomp_init.argtypes = [ctypes.c_uint32]
    found.seccomp_load.argtypes = [ctypes.c_void_p]
    found.seccomp_release.argtypes = [ctypes.c_void_p]
    found.seccomp_export_bpf.argtypes = [ctypes.c_void_p, ctypes.c_int]
    found.seccomp_attr_set.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_uint32]
    found.seccomp_syscall_resolve_name.argtypes = [ctypes.c_char_p]
    found.seccomp_rule_add_array.argtypes = [
        ctypes.c_void_p,
        ctypes.c_uint32,
        ctypes.c_int,
        ctypes.c_uint,
        ctypes.POINTER(_Comparison),
    ]
    return found


@cache
def number(name: str) -> int:
    """Return a system call's number on this machine, or `UNKNOWN`."""
    found = library()
    if found is None:
        return UNKNOWN
    known = found.seccomp_syscall_resolve_name(name.encode())
    return NUMBERS.get(name, UNKNOWN) if known == UNKNOWN else known


def restrict() -> None:
    """Refuse the calls above to this process, for good; `no_new_privs` must be set."""
    with _filter() as own:
        for name in ONLY_TO_ONESELF:
            _add(own, number(name), errno.EPERM, _Comparison(0, NE, os.getpid(), 0))
        _checked(_found().seccomp_load(own), "seccomp_load")
    instructions = same_for_all()
    program = _Program(len(instructions) // INSTRUCTION_BYTES, instructions)
    if landlock.LIBC.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0):
        raise OSError(ctypes.get_errno(), "seccomp filter")


@cache
def same_for_all() -> bytes:
    """Return the filter that does not depend on the process, as the kernel takes it.

    To make it takes longer than to load it, so a fork server does it once.
    """
    with _filter() as filter_:
        for name, failure, comparison in _rules():
            _add(filter_, number(name), failure, comparison)
        for call in UNHEARD_OF:
            _add(filter_, call, errno.ENOSYS, None)
        with open(os.memfd_create("filter"), "w+b") as file:  # noqa: PTH123
            _checked(_found().seccomp_export_bpf(filter_, file.fileno()), "seccomp_export_bpf")
            file.seek(0)
            return file.read()


@contextmanager
def _filter() -> Iterator[ctypes.c_void_p]:
    found = _found()
    filter_ = ctypes.c_void_p(found.seccomp_init(ALLOW))
    if not filter_:
        raise OSError(errno.ENOMEM, "seccomp_init")
    try:
        # Calls by way of another architecture's table would pass the filter by.
        found.seccomp_attr_set(filter_, ATTRIBUTE_BAD_ARCHITECTURE, KILL_PROCESS)
        yield filter_
    finally:
        found.seccomp_release(filter_)


def _found() -> ctypes.CDLL:
    found = library()
    if found is None:
        raise OSError(errno.ENOENT, f"{LIBRARY} is not installed")
    return found


def _rules():
    for group in REFUSED:
        for name in group.split():
            yield name, errno.EPERM, None
    for name in IGNORED.split():
        yield name, 0, None
    for name, (argument, allowed) in ONLY_WITH.items():
        yield name, errno.EPERM, _Comparison(argument, NE, allowed, 0)
    for name, argument, refused in NEVER_WITH:
        # The kernel takes the lower half of it; with the whole compared, an upper half hides it.
        yield name, errno.EPERM, _Comparison(argument, MASKED_EQ, LOWER_HALF, refused)
    yield "clone", errno.EPERM, _Comparison(0, MASKED_EQ, CLONE_THREAD, 0)
    # Its flags lie in memory, where a filter cannot look; the C library then falls back to clone.
    yield "clone3", errno.ENOSYS, None


def _add(filter_: ctypes.c_void_p, call: int, failure: int, comparison: _Comparison | None) -> None:
    if call == UNKNOWN:
        return
    action = 0x00050000 | failure
    array = ctypes.byref(comparison) if comparison else None
    count = 1 if comparison else 0
    failed = _found().seccomp_rule_add_array(filter_, action, call, count, array)
    if call >= 0:
        _checked(failed, f"seccomp rule for call {call}")


def _checked(failed: int, what: str) -> None:
    if failed:
        raise OSError(-failed, f"{what}: {os.strerror(-failed)}")
