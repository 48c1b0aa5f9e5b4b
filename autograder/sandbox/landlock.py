"""Landlock: a Linux process takes away its own right to files, networks and signals.

No privilege is needed and nothing gives the right back. Written from the kernel's
`Documentation/userspace-api/landlock.rst`; versions 1 to 7 of its interface are handled.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterable

LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
VERSION_FLAG = 1
PATH_BENEATH = 1
PR_SET_NO_NEW_PRIVS = 38

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
REMOVE_DIR, REMOVE_FILE, MAKE_DIR, MAKE_REG = 1 << 4, 1 << 5, 1 << 7, 1 << 8
REFER, TRUNCATE, IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
# All rights that exist are handled, that is refused, except where a rule grants one.
FS_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1}
FS_RIGHTS_NEWEST = (1 << 16) - 1
NET_RIGHTS = 0b11  # bind and connect TCP
SCOPES = 0b11  # abstract sockets and signals

READ = READ_FILE | READ_DIR
OWN = READ | WRITE_FILE | TRUNCATE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | REFER
FOR_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV


class _RulesetAttributes(ctypes.Structure):
    _fields_ = (
        ("handled_access_fs", ctypes.c_uint64),
        ("handled_access_net", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    )


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


def version() -> int:
    """Return the version of the kernel's interface, or 0 when it has none."""
    return max(0, LIBC.syscall(CREATE_RULESET, None, ctypes.c_size_t(0), VERSION_FLAG))


def no_new_privileges() -> None:
    """Give up what set-uid programs could give; Landlock and seccomp ask for it."""
    _checked(LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")


def restrict(rules: Iterable[tuple[str, int]]) -> int:
    """Leave this process only the given rights under each path; return the interface's version.

    A path that does not exist, or that this process cannot reach anyway, is passed over.
    """
    abi = version()
    handled = FS_RIGHTS.get(abi, FS_RIGHTS_NEWEST)
    attributes = _RulesetAttributes(
        handled, NET_RIGHTS if abi >= 4 else 0, SCOPES if abi >= 6 else 0
    )
    size = ctypes.sizeof(attributes) if abi >= 6 else 16 if abi >= 4 else 8
    ruleset = LIBC.syscall(
        CREATE_RULESET, ctypes.byref(attributes), ctypes.c_size_t(size), ctypes.c_uint32(0)
    )
    _checked(ruleset, "landlock_create_ruleset")
    try:
        for path, rights in rules:
            _allow(ruleset, path, rights & handled)
        no_new_privileges()
        _checked(LIBC.syscall(RESTRICT_SELF, ruleset, ctypes.c_uint32(0)), "landlock_restrict_self")
    finally:
        os.close(ruleset)
    return abi


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not os.path.isdir(path):  # noqa: PTH112 (pathlib is not worth its time here)
            rights &= FOR_FILES
        rule = _PathBeneath(rights, place)
        done = LIBC.syscall(ADD_RULE, ruleset, PATH_BENEATH, ctypes.byref(rule), ctypes.c_uint32(0))
        _checked(done, f"landlock_add_rule for {path}")
    finally:
        os.close(place)


def _checked(result: int, what: str) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
