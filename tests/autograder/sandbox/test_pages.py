"""Memory gathered into huge pages: the same bytes, and fewer pages where the kernel has them."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import mmap, os, re
from autograder.sandbox import pages

def huge():
    return int(re.search(r"AnonHugePages: +(\\d+)", open("/proc/self/smaps_rollup").read())[1])

own = mmap.mmap(-1, 16 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
for place in range(0, len(own), 4096):
    own[place : place + 4] = place.to_bytes(4, "little")
before = huge()
pages.gather()
assert all(own[p : p + 4] == p.to_bytes(4, "little") for p in range(0, len(own), 4096))
child = os.fork()
if child == 0:
    own[:4] = b"mine"
    os._exit(0)
os.waitpid(child, 0)
assert own[:4] == bytes(4)
print(huge() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="huge pages are asked for on Linux alone")
def test_what_is_in_memory_stays_and_a_child_that_writes_has_its_own():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    has_huge = Path("/sys/kernel/mm/transparent_hugepage").exists()
    release = tuple(map(int, re.findall(r"\d+", Path("/proc/sys/kernel/osrelease").read_text())))
    if has_huge and release >= (6, 1):
        assert int(done.stdout) >= 4 << 10
