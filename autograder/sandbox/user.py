"""Who students' processes are on this machine, and what surrounds them."""

from __future__ import annotations

import contextlib
import itertools
import os
import sys
from pathlib import Path

# What Windows and Python there need to work at all; none of it says who grades.
OF_WINDOWS = ("SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "PATHEXT", "PROCESSOR_ARCHITECTURE")
# Ordinary user ids that are nobody's: one for each sandbox, so that two cannot reach each other.
FIRST_UID, UIDS = 61184, 4000
_numbers = itertools.count()


def environment(boxes: str) -> dict[str, str]:
    """Return the whole environment of students' processes. Nothing of the grader's is in it."""
    found = {
        "PATH": "/usr/bin:/bin",
        "HOME": boxes,
        "TMPDIR": boxes,
        "USER": "student",
        "LOGNAME": "student",
        "LANG": "C.UTF-8",
        "PYTHONHASHSEED": "0",
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": "2",
        "CUDA_VISIBLE_DEVICES": "",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "MPLCONFIGDIR": f"{boxes}/matplotlib",
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
    }
    if sys.platform == "win32":
        found |= {name: os.environ[name] for name in OF_WINDOWS if name in os.environ}
        found |= {"USERPROFILE": boxes, "TEMP": boxes, "TMP": boxes}
        found["PATH"] = rf"{os.environ.get('SYSTEMROOT', '')}\System32"
    return found


def free_uid() -> int:
    """Return the id of an ordinary user that is nobody's, another one each time."""
    import pwd  # on Windows there is none

    taken = {entry.pw_uid for entry in pwd.getpwall()}
    while True:
        uid = FIRST_UID + (os.getpid() * 16 + next(_numbers)) % UIDS
        if uid not in taken:
            return uid


def own_tasks() -> int:
    """Return how many processes and threads this user has: the limit counts them all."""
    count = 0
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if folder.stat().st_uid == os.getuid():
                count += len(list((folder / "task").iterdir()))
    return count
