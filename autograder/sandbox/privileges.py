"""Inside the sandbox: become an ordinary user, and keep no capability."""

from __future__ import annotations

import contextlib
import ctypes
import os
from pathlib import Path

NOBODY = 65534
PR_CAPBSET_READ, PR_CAPBSET_DROP = 23, 24
CAPABILITY_VERSION_3, CAPABILITIES = 0x20080522, 64
_LIBC = ctypes.CDLL(None, use_errno=True)


def become(uid: int | None) -> None:
    """Become an ordinary user for good; with `uid` None, stay who this is."""
    if uid is not None:
        drop_bounding_set()
        for user in (uid, NOBODY):
            with contextlib.suppress(OSError):
                os.setgroups([])
                os.setresgid(user, user, user)
                os.setresuid(user, user, user)
                break
        if os.getuid() == 0:
            raise RuntimeError(
                "root cannot become an ordinary user here, which happens in containers that map no "
                "user but root: grade as an ordinary user"
            )
    if os.getuid() != 0:
        drop_capabilities()


def drop_bounding_set() -> None:
    """Let no program give a capability back; refused where bubblewrap has dropped them all."""
    for capability in range(CAPABILITIES):
        if _LIBC.prctl(PR_CAPBSET_READ, capability, 0, 0, 0) == 1:
            _LIBC.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)


def drop_capabilities() -> None:
    """Keep none: none effective, permitted or inheritable."""
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    _LIBC.capset(header, (ctypes.c_uint32 * 6)())


def capabilities() -> int:
    """Return the capabilities that this process has or can get back."""
    lines = Path("/proc/self/status").read_text().splitlines()
    facts = {name: value for name, _, value in (line.partition(":") for line in lines)}
    sets = [int(facts[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")]
    return sets[0] | sets[1] | sets[2] | sets[3]
