"""Who students' processes are on this machine, and what surrounds them."""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
from pathlib import Path

# Ordinary user ids that are nobody's: one for each sandbox, so that two cannot reach each other.
FIRST_UID, UIDS = 61184, 4000
_numbers = itertools.count()


def environment(boxes: str) -> dict[str, str]:
    """Return the whole environment of students' processes. Nothing of the grader's is in it."""
    return {
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


def free_uid() -> int:
    """Return the id of an ordinary user that is nobody's, another one each time."""
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
