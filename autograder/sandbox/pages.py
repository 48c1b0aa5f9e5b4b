"""Gather this process's memory into huge pages, because a fork copies an entry for every page.

A fork server has some 60,000 small pages and 500 times fewer huge ones. A child that writes to a
huge page still gets its own copy of 4 KiB of it alone.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from pathlib import Path

HUGE = 2 << 20
MADV_COLLAPSE = 25  # Linux 6.1 and later; an older kernel refuses, and forks take longer


def gather() -> None:
    """Ask for huge pages wherever memory of our own fills one; what the kernel refuses stays."""
    libc = ctypes.CDLL(None)
    libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    for place in _huge_places():
        libc.madvise(place, HUGE, MADV_COLLAPSE)


def _huge_places() -> Iterator[int]:
    """Yield the addresses at which a huge page could stand."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        addresses, rights, _, _, inode, *name = line.split()
        if rights == "rw-p" and inode == "0" and name in ([], ["[heap]"]):
            start, end = (int(edge, 16) for edge in addresses.split("-"))
            yield from range(-(-start // HUGE) * HUGE, end // HUGE * HUGE, HUGE)
