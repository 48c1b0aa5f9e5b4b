"""Levels: probed, recorded, refused below the one that was asked for."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import ordinary
import pytest
import torch

from autograder.sandbox import (
    Program,
    Sandbox,
    SandboxError,
    levels,
    probe,
    require_levels,
    require_reached,
)
from autograder.sandbox.launcher import LEVELS, Server

PROGRAM = Program(cells=["def f(x): return x + 1\nimport os\ndef who(): return os.getuid()"])


class TestChoice:
    def test_the_probe_gives_a_level_and_says_why_not_a_better_one(self):
        found = probe()
        assert found.level in LEVELS
        assert bool(found.reasons) == (found.level != "namespaces")

    @pytest.mark.parametrize("level", ["process", "none"])
    def test_explicit_levels(self, level):
        with Sandbox(level) as sandbox, sandbox.start(PROGRAM) as student:
            assert sandbox.level == level
            assert sandbox.reasons
            assert student.call("f", {"x": 1}).value == 2
            uid = student.call("who", {}).value
            assert (uid == os.getuid()) == (level == "none" or os.getuid() != 0)

    def test_the_best_is_the_default(self):
        with Sandbox() as sandbox, sandbox.start(PROGRAM) as student:
            assert sandbox.level == probe().level
            assert student.call("f", {"x": torch.ones(2)}).value.tolist() == [2, 2]

    @pytest.mark.parametrize(
        ("isolation", "minimum", "says"),
        [
            ("none", "process", "below the minimum"),
            ("process", "landlock", "below the minimum"),
            ("airtight", "none", "airtight"),
            (None, "airtight", "airtight"),
        ],
    )
    def test_refusals(self, isolation, minimum, says):
        with pytest.raises(SandboxError, match=says):
            require_levels(isolation, minimum=minimum)

    def test_a_minimum_that_is_not_reached_says_why(self):
        with pytest.raises(SandboxError, match="gives isolation 'process', not 'landlock': no"):
            require_reached("process", ["no seccomp"], minimum="landlock")
        require_reached("landlock", [], minimum="landlock")

    def test_a_level_that_cannot_be_had(self, monkeypatch):
        monkeypatch.setattr(levels, "bubblewrap", lambda *_, **__: None)
        with pytest.raises(SandboxError, match=r"'namespaces' cannot be had.*package bubblewrap"):
            Sandbox("namespaces")


class TestMissingParts:
    """What the machine lacks is said, and the level is the one below."""

    @pytest.mark.parametrize(
        ("module", "name", "value", "says"),
        [
            (levels.landlock, "version", lambda: 0, "Landlock"),
            (levels.seccomp, "library", lambda: None, "libseccomp2"),
            (levels, "escapes", lambda _server: ["read a file outside"], "could read a file"),
        ],
    )
    def test_process_is_what_remains(self, monkeypatch, module, name, value, says):
        monkeypatch.setattr(module, name, value)
        with pytest.raises(SandboxError, match=says):
            levels.settle("landlock")
        level, reasons, server = levels.settle(None)
        server.close()
        assert level == "process"
        assert says in " ".join(reasons)

    def test_without_bubblewrap_landlock_remains(self, monkeypatch):
        if probe().level not in ("namespaces", "landlock"):
            pytest.skip("; ".join(probe().reasons))
        monkeypatch.setattr(levels, "bubblewrap", lambda *_, **__: None)
        level, reasons, server = levels.settle(None)
        server.close()
        assert level == "landlock"
        assert "install the package bubblewrap" in reasons[0]


class TestInfrastructure:
    def test_a_server_that_does_not_start(self, monkeypatch):
        monkeypatch.setattr("autograder.sandbox.launcher.interpreter", lambda: "/bin/false")
        with pytest.raises(SandboxError, match="does not start"):
            Server("none", in_view=False)

    def test_a_server_that_dies_is_our_trouble_and_is_replaced(self):
        with Sandbox("process") as sandbox:
            first = sandbox.server
            student = sandbox.start(PROGRAM)
            os.killpg(first._process.pid, signal.SIGKILL)
            first._process.wait()
            with pytest.raises(SandboxError):
                first.fork(PROGRAM)
            student.close()
            with sandbox.start(PROGRAM) as student:
                assert student.call("f", {"x": 1}).value == 2
            assert sandbox.server is not first

    def test_a_closed_sandbox(self):
        sandbox = Sandbox("none")
        sandbox.close()
        with pytest.raises(SandboxError, match="closed"):
            sandbox.start(PROGRAM)

    def test_nothing_of_it_remains(self):
        with Sandbox("process") as sandbox:
            folder, process = sandbox.server._folder, sandbox.server._process
            assert folder.is_dir()
        assert process.returncode is not None
        assert not folder.exists()

    def test_processes_that_a_submission_started_end_with_it(self):
        source = """
import os, time
def f():
    pids = []
    for _ in range(3):
        pid = os.fork()
        if pid == 0:
            os.setsid()
            if os.fork() == 0: time.sleep(600)
            os._exit(0)
        pids.append(pid)
    return os.getpid()
"""
        with Sandbox("process") as sandbox:
            student = sandbox.start(Program(cells=[source]))
            assert student.call("f", {}).status == "value"
            student.close()
            own = f"/proc/{sandbox.server._process.pid}/task/{sandbox.server._process.pid}/children"
            assert Path(own).read_text() == ""

    def test_it_ends_when_the_grader_is_killed(self, open_folder):
        code = (
            "import time, torch\nfrom autograder.sandbox import *\n"
            "sandbox = Sandbox('process')\n"
            "student = sandbox.start(Program(cells=['1']))\n"
            "print(sandbox.server._process.pid, flush=True)\ntime.sleep(600)"
        )
        grader = subprocess.Popen(
            [sys.executable, "-c", code],
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"TMPDIR": str(open_folder)},
        )
        assert grader.stdout is not None
        server = int(grader.stdout.readline())
        handle = os.pidfd_open(server)
        grader.kill()
        grader.communicate()
        assert ended(handle, seconds=30)

    @pytest.mark.parametrize("one", ["open(str(i), 'w').close()", "os.mkdir(str(i))"])
    def test_a_server_whose_disk_is_littered_is_replaced(self, one):
        litter = f"import os\nfor i in range(30_000): {one}"
        with Sandbox("process") as sandbox:
            first = sandbox.server
            sandbox.start(Program(cells=[litter])).close()
            with sandbox.start(PROGRAM) as student:
                assert student.call("f", {"x": 1}).value == 2
            assert sandbox.server is not first

    def test_a_folder_in_memory_goes_with_its_process(self):
        if probe().level != "namespaces":
            pytest.skip("; ".join(probe().reasons))
        litter = "import os\nfor i in range(30_000): os.mkdir(str(i))"
        with Sandbox() as sandbox:
            first = sandbox.server
            with sandbox.start(Program(cells=[litter])) as student:
                assert "No space left" in student.cells[0].message
            with sandbox.start(PROGRAM) as student:
                assert student.call("f", {"x": 1}).value == 2
            assert sandbox.server is first

    def test_a_disk_that_is_not_cleared_in_time_is_nobodys_trouble(self, monkeypatch):
        def never_cleared(server, seconds, expected, hear=Server._hear):
            if server is first and expected == "cleared":
                raise TimeoutError
            return hear(server, seconds, expected)

        with Sandbox("process") as sandbox:
            first = sandbox.server
            monkeypatch.setattr(Server, "_hear", never_cleared)
            student = sandbox.start(Program(cells=["import os; os._exit(0)"]))
            assert [cell.status for cell in student.cells] == ["crash"]
            with sandbox.start(PROGRAM) as student:
                assert student.call("f", {"x": 1}).value == 2
            assert first.spent
            assert sandbox.server is not first

    def test_two_threads_with_a_sandbox_each(self):
        answers = {}

        def work(number):
            with Sandbox("process") as sandbox, sandbox.start(PROGRAM) as student:
                answers[number] = [student.call("f", {"x": number}).value for _ in range(5)]

        threads = [threading.Thread(target=work, args=[number]) for number in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert answers == {0: [1] * 5, 1: [2] * 5}


@pytest.fixture
def open_folder():
    """A folder that students' processes can reach, which pytest's own cannot be."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def ended(handle: int, seconds: float) -> bool:
    import select

    poll = select.poll()
    poll.register(handle, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


def test_as_an_ordinary_user():
    """The whole of it again, with another user's rights and root's files out of reach."""
    if reason := ordinary.unavailable():
        pytest.skip(reason)
    code = (
        "import torch\ntorch.set_num_threads(1)\nfrom autograder.sandbox import *\n"
        "program = Program(cells=['import os\\ndef f(x): return [x, os.getuid()]'])\n"
        "with Sandbox() as sandbox:\n"
        "    student = sandbox.start(program)\n"
        "    print(sandbox.level, sandbox.server.in_view, student.call('f', {'x': 3}).value)\n"
        "    print(*sandbox.reasons)\n"
    )
    command = ordinary.command(sys.executable, "-c", code)
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[3])
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{probe().level} "), done.stdout
    assert "[3, 1234]" in done.stdout
