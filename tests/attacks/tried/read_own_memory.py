"""Search all memory of the own process for what the grader or the fork server left in it."""

import ctypes
import re

CLASS = "reading"
GAINS = ()
SECONDS = 8.0

searched = []


def attack():
    if searched:
        return
    searched.append(True)
    # The word is put together here, or the search would find itself.
    wanted = re.compile(b"cana" + b"ry-[a-z]+-[0-9a-f]{16}")
    with open("/proc/self/maps") as maps:
        lines = [line.split() for line in maps]
    for place, rights, *_ in lines:
        start, end = (int(edge, 16) for edge in place.split("-"))
        if rights.startswith("rw") and end - start < 1 << 29:
            held = ctypes.string_at(start, end - start)
            loot.extend(found.decode() for found in wanted.findall(held))
