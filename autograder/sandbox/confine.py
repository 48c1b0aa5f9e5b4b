"""Inside the student's process, before any of its code: give up what it must not have.

In order: its own session, its own three pipes and nothing else open, limits, an empty folder, and
then, from level `landlock` on, the right to read all but the libraries, to write outside that
folder, to reach a network, another process or another program. At level `namespaces` it is in
namespaces of its own before that (`namespaces.py`). macOS does not keep a limit on memory, and
Windows has no limits of this kind: `workers.py` watches memory there.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from autograder.sandbox import landlock, seccomp

if sys.platform != "win32":
    import resource

REQUESTS, REPLIES = 3, 4
MIB = 1 << 20
FILE_BYTES = 64 * MIB
OPEN_FILES = 256
MOST_OPEN = 1 << 16
LIMITS_MEMORY = sys.platform == "linux"
CPU_SECONDS = 1800
# Above the soft limit, so that there is room to say that memory ran out.
SPARE_BYTES = 64 * MIB
PR_SET_DUMPABLE = 4
DEVICES_READ = ("/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
# Of a process's own facts only these: `net` is the machine's where the network namespace is shared.
OWN_FACTS = ("cmdline", "fd", "limits", "maps", "stat", "statm", "status")
FACTS = (
    *(f"/proc/self/{name}" for name in OWN_FACTS),
    *("/proc/cpuinfo", "/proc/meminfo", "/sys/devices/system/cpu"),
)


@dataclass(frozen=True)
class Ground:
    """What a fork server knows when it starts, and every child needs.

    Attributes:
        level: `namespaces`, `landlock`, `process` or `none`.
        trees: folders that may be read.
        files: single files that may be read: `course`, less what must not be seen.
        listed: folders whose names may be listed, because imports look there.
        address_space: bytes of address space that the server itself takes; None: no limit.
        processes: the limit on processes and threads of this user; None: no limit.

    """

    level: str
    trees: tuple[str, ...]
    files: tuple[str, ...]
    listed: tuple[str, ...]
    address_space: int | None
    processes: int | None


def prepare(ground: Ground) -> None:
    """In the fork server: make what is the same for every child."""
    if ground.level in ("landlock", "namespaces"):
        seccomp.same_for_all()


def take_pipes(requests: int, replies: int, output: int) -> None:
    """Keep these three, as descriptors 3, 4 and 1 with 2; close all others."""
    copies = [_above(pipe, REPLIES) for pipe in (requests, replies, output)]
    nothing = os.open(os.devnull, os.O_RDONLY)
    for place, pipe in enumerate((nothing, copies[2], copies[2], copies[0], copies[1])):
        os.dup2(pipe, place, inheritable=place < REQUESTS)
    os.closerange(REPLIES + 1, MOST_OPEN)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", buffering=1, closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115


def _above(pipe: int, floor: int) -> int:
    while pipe <= floor:
        pipe = os.dup(pipe)
    return pipe


def enter_box(box: str) -> None:
    """Make the empty folder `box` the place for everything that this process writes."""
    os.chdir(box)
    for name in ("HOME", "TMPDIR", "PWD"):
        os.environ[name] = box
    tempfile.tempdir = None
    sys.path.insert(0, "")  # as in a notebook: what a cell has written there can be imported


def address_space() -> int | None:
    """Return the bytes of address space that this process takes; None where nothing limits them."""
    if not LIMITS_MEMORY:
        return None
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * os.sysconf("SC_PAGE_SIZE")


def limit(ground: Ground, megabytes: int) -> None:
    """Set the limits that hold for the whole process."""
    if sys.platform == "win32":
        return
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            landlock.LIBC.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)
            with open("/proc/self/oom_score_adj", "w") as score:  # noqa: PTH123
                score.write("1000")
    limits = [
        (resource.RLIMIT_FSIZE, FILE_BYTES, FILE_BYTES),
        (resource.RLIMIT_NOFILE, OPEN_FILES, OPEN_FILES),
        (resource.RLIMIT_CPU, CPU_SECONDS, CPU_SECONDS + 5),
        (resource.RLIMIT_CORE, 0, 0),
    ]
    if ground.address_space is not None:
        memory = ground.address_space + megabytes * MIB
        limits.append((resource.RLIMIT_AS, memory, memory + SPARE_BYTES))
    if ground.processes is not None:
        limits.append((resource.RLIMIT_NPROC, ground.processes, ground.processes))
    for name, soft, hard in limits:
        ceiling = resource.getrlimit(name)[1]
        if ceiling != resource.RLIM_INFINITY:
            soft, hard = min(soft, ceiling), min(hard, ceiling)
        resource.setrlimit(name, (soft, hard))


def allow_memory(ground: Ground, megabytes: int | None) -> None:
    """Let this process take so much above the server's; None: all that there is, to report."""
    if ground.address_space is None:
        return
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    soft = hard if megabytes is None else ground.address_space + megabytes * MIB
    resource.setrlimit(resource.RLIMIT_AS, (min(soft, hard), hard))


def restrict(ground: Ground, box: str, hidden: Iterable[str]) -> None:
    """Give up files, networks, processes and programs, if the level asks for it."""
    if ground.level in ("process", "none"):
        return
    unseen = set(hidden)
    rules = [(path, landlock.READ) for path in (*ground.trees, *DEVICES_READ, *FACTS)]
    rules += [(path, landlock.READ_FILE) for path in ground.files if path not in unseen]
    rules += [(path, landlock.READ_DIR) for path in ground.listed]
    rules += [(os.devnull, landlock.READ_FILE | landlock.WRITE_FILE), (box, landlock.OWN)]
    landlock.restrict(rules)
    seccomp.restrict()
