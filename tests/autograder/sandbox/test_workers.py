"""Workers in place of a fork server: the same answers, elsewhere too, and nothing left behind."""

import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import elsewhere
import psutil
import pytest

from autograder.batch import Papers, attempt_lab
from autograder.recorded import load_lab
from autograder.sandbox import Program, Sandbox, SandboxError, levels, workers
from autograder.sandbox.student import StudentProcess
from autograder.submissions import discover, read

CLASS = Path(__file__).parents[2] / "data" / "class" / "submitted"


@pytest.fixture
def no_fork_server(monkeypatch):
    monkeypatch.setattr(levels, "FORK_SERVER", False)


class TestLevel:
    def test_it_is_process_and_says_what_it_does_not_do(self, no_fork_server, monkeypatch):
        monkeypatch.setattr(workers, "Workers", lambda level: SimpleNamespace(level=level))
        level, reasons, _ = levels.settle(None)
        assert level == "process"
        assert "need Linux" in reasons[0]
        assert "neither hides files nor the network" in reasons[1]

    @pytest.mark.parametrize("level", ["landlock", "namespaces"])
    def test_a_better_one_cannot_be_had(self, no_fork_server, level):
        with pytest.raises(SandboxError, match=f"'{level}' cannot be had here.*need Linux"):
            Sandbox(level)

    def test_none_is_by_flag_only_and_says_so(self, no_fork_server, monkeypatch):
        monkeypatch.setattr(workers, "Workers", lambda level: SimpleNamespace(level=level))
        assert levels.settle("none")[:2] == ("none", [levels.NOTHING])

    @pytest.mark.parametrize("program", ["/bin/false", "/no/such/python"])
    def test_a_worker_that_does_not_start_is_our_trouble(
        self, no_fork_server, monkeypatch, program
    ):
        monkeypatch.setattr(workers, "interpreter", lambda: program)
        with pytest.raises(SandboxError, match="does not start"):
            Sandbox("process")


def test_a_submission_gets_what_it_gets_from_a_fork_server(servers):
    papers = Papers.public(load_lab("m3_induction"))
    found = discover([CLASS / "crashing"])[0]
    submission = read(found.path, found.lab, [one.name for one in papers.lab.exercises])
    given = []
    for way in ("process", "workers"):
        sandbox = SimpleNamespace(start=lambda one, way=way: StudentProcess(servers(way).fork, one))
        attempts, problems = attempt_lab("", submission, papers, sandbox)
        tried = [(one.status, one.score, one.idea and one.idea.id) for one in attempts]
        given.append((tried, problems))
    assert given[0] == given[1]
    assert {status for status, *_ in given[0][0]} == {"pass", "crash"}


class TestEnds:
    SOURCE = """
import os, signal, time
def family():
    apart = os.fork()
    if apart == 0:
        os.setsid()
        time.sleep(600)
    return [os.getpid(), apart]
def leave():
    left = os.fork()
    if left == 0: time.sleep(600)
    print(left, flush=True)
    os._exit(3)
"""

    def test_what_a_submission_started_ends_with_it(self, servers):
        student = StudentProcess(servers("workers").fork, Program(cells=[self.SOURCE]))
        pids = student.call("family", {}).value
        folder = student._child._folder
        assert folder.is_dir()
        student.close()
        assert all(map(ends, pids))
        assert not folder.exists()

    def test_what_is_left_by_one_that_ended_itself_ends_too(self, servers):
        with StudentProcess(servers("workers").fork, Program(cells=[self.SOURCE])) as student:
            answer = student.call("leave", {})
            assert (answer.status, answer.message) == ("crash", "ended early, with exit status 3")
            assert ends(int(student.output))


def ends(pid: int, seconds: float = 30.0) -> bool:
    """Wait for the end of a process that is nobody's child any more, or that nobody has reaped."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.01)
    return False


class TestElsewhere:
    """Not macOS and not Windows, but without what they lack; nobody has run it there."""

    def run(self, tmp_path, platform, code, **facts):
        script = tmp_path / "bootstrap.py"
        elsewhere.write_bootstrap(script, platform)
        return subprocess.Popen(
            [sys.executable, elsewhere.__file__, platform, str(script), code],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[3],
            **facts,
        )

    def test_check_on_windows(self, tmp_path):
        file = CLASS / "as_script" / "m0_toy_transformer" / "m0_toy_transformer.py"
        code = f"from autograder.cli import app; app(['check', {str(file)!r}])"
        said, errors = self.run(tmp_path, "win32", code).communicate()
        assert "8 of 8 exercises pass" in said, errors
        assert errors == ""

    def test_macos_watches_memory_and_nothing_outlives_the_grader(self, tmp_path):
        code = """
import threading
from autograder.sandbox import Program, Sandbox
cells = ["import torch", '''
def hoard(): return [torch.ones(2**20) for _ in range(10**6)]
def loop():
    while True: pass
''']
sandbox = Sandbox()
print(sandbox.level, *sandbox.reasons, flush=True)
student = sandbox.start(Program(cells=cells, megabytes=300))
answer = student.call("hoard", {}, seconds=60)
print(answer.status, answer.message, flush=True)
threading.Thread(target=lambda: student.call("loop", {}, seconds=600), daemon=True).start()
while student._child is None or student._child.pipes._writer is None: pass
print(student._child._process.pid, sandbox.server._next._process.pid, flush=True)
threading.Event().wait()
"""
        grader = self.run(tmp_path, "darwin", code)
        level = grader.stdout.readline()
        assert level.startswith("process ")
        assert "memory is not limited by this system" in level
        assert grader.stdout.readline() == "memory was killed, most likely for want of memory\n"
        left = [int(pid) for pid in grader.stdout.readline().split()]
        assert not any(ends(pid, seconds=0.1) for pid in left)
        grader.kill()
        grader.communicate()
        assert all(ends(pid) for pid in left)
