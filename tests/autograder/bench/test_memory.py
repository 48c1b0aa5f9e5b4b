"""Memory of processes, as Linux counts it."""

import subprocess
import sys

import pytest

from autograder.bench import memory

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc, which is Linux's")
HOARD = "import sys; hoard = bytearray(50_000_000); print('there', flush=True); sys.stdin.read()"


def test_a_childs_own_memory_is_seen_and_gone_when_it_ends():
    before = memory.descendants()
    with subprocess.Popen(
        [sys.executable, "-c", HOARD], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        child.stdout.readline()
        assert memory.descendants() - before == {child.pid}
        assert 50 < memory.private(child.pid) < 100
        assert memory.resident(child.pid) >= memory.private(child.pid)
        child.stdin.close()
    assert child.pid not in memory.descendants()
