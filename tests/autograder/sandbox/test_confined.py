"""At level `landlock`: nothing is read, written, contacted, started or left behind."""

import errno
import os
import socket
import time
from pathlib import Path

import pytest
import torch

import autograder
import course
from autograder.sandbox import levels

ROOT = Path(autograder.__file__).parent
COURSE = Path(course.__file__).parent
RUNS = """
    import ctypes, os, pathlib, signal, socket, subprocess, sys, threading, time

    def run(code):
        try:
            value = eval(code)
        except OSError as error:
            return ["denied", type(error).__name__]
        return ["allowed", repr(value)[:200]]
"""


def run(confined, *codes):
    """Return what becomes of each expression in turn, all in one process."""
    student = confined(RUNS)
    answers = [student.call("run", {"code": code}, seconds=10) for code in codes]
    assert [answer.message for answer in answers] == [""] * len(codes)
    return [answer.value for answer in answers]


def allowed(confined, *codes):
    """Return those expressions that are not refused."""
    outcomes = zip(codes, run(confined, *codes), strict=True)
    return [code for code, outcome in outcomes if outcome[0] != "denied"]


class TestReading:
    def test_what_is_not_theirs(self, confined):
        paths = [
            ROOT / "references",
            ROOT / "labs",
            ROOT / "bank.py",
            ROOT / "check.py",
            ROOT / "values.py",
            ROOT / "sandbox" / "server.py",
            ROOT.parent / "solutions",
            ROOT.parent / "pyproject.toml",
            ROOT.parent / "tests",
            COURSE / "zoo" / "weights" / "induction_by_hand.json",
            COURSE / "zoo" / "planted" / "trojan.py",
            next(COURSE.glob("__pycache__/*.pyc"), COURSE / "__pycache__"),
            Path("/etc/passwd"),
            Path("/etc/shadow"),
            Path("/root"),
            Path("/home"),
            Path("/proc/1/environ"),
            Path("/proc/1/cmdline"),
            Path("/var/log"),
            Path("/sys/kernel"),
        ]
        codes = [f"{'os.listdir' if path.is_dir() else 'open'}({str(path)!r})" for path in paths]
        assert allowed(confined, *codes) == []

    def test_what_is(self, confined):
        codes = [f"open({str(path)!r})" for path in (COURSE / "model.py", Path(torch.__file__))]
        assert allowed(confined, *codes) == codes

    def test_the_grader_by_its_processes(self, confined):
        codes = []
        for pid in (os.getpid(), os.getppid(), "1", "{os.getppid()}"):
            codes += [f"open(f'/proc/{pid}/{name}')" for name in ("mem", "environ", "maps")]
            codes += [f"os.listdir(f'/proc/{pid}/{name}')" for name in ("fd", "cwd", "root")]
        assert allowed(confined, *codes) == []

    def test_the_machines_network_and_mounts(self, confined):
        places = ("net/unix", "net/tcp", "task/{os.getpid()}/net/unix", "mountinfo", "environ")
        codes = [f"open(f'/proc/self/{place}')" for place in places]
        assert allowed(confined, *codes) == []
        facts = [f"open('/proc/self/{name}').read()" for name in ("status", "statm", "maps")]
        assert allowed(confined, *facts) == facts

    def test_the_environment_holds_nothing_of_the_graders(self, confined, monkeypatch):
        monkeypatch.setenv("GLASSBOX_CANARY", "sings")
        [[_, environment]] = run(confined, "dict(os.environ)")
        assert "GLASSBOX_CANARY" not in environment
        student = confined("import os\ndef names(): return sorted(os.environ)")
        names = student.call("names", {}).value
        assert "HOME" in names
        assert not [one for one in names if "SECRET" in one or "TOKEN" in one or "SSH" in one]

    def test_other_students_boxes(self, confined):
        other = confined(
            "open('answer.txt', 'w').write('42')\nimport os\ndef here(): return os.getcwd()"
        )
        box = other.call("here", {}).value
        codes = f"open('{box}/answer.txt').read()", f"os.listdir('{Path(box).parent}')"
        assert allowed(confined, *codes) == []

    def test_the_graders_modules(self, confined):
        source = """
            import sys, gc
            def names(): return [name for name in sys.modules if "autograder" in name]
            def load(name):
                try: __import__(name)
                except ImportError as error: return str(error)
                return "loaded"
            def again(name):
                sys.modules.pop("autograder")
                return load(name)
        """
        student = confined(source)
        assert student.call("names", {}).value == ["autograder"]
        for module in ("recorded", "bank", "labs", "spec", "compare", "frames", "sandbox.child"):
            assert student.call("load", {"name": f"autograder.{module}"}).value != "loaded"
            assert student.call("again", {"name": f"autograder.{module}"}).value != "loaded"

    def test_what_is_planted_in_a_model(self, confined):
        source = """
            import sys
            def load(name):
                try: __import__(name)
                except (ImportError, PermissionError): return "refused"
                return "loaded"
            def known(): return [name for name in sys.modules if "planted." in name]
        """
        student = confined(source)
        assert student.call("known", {}).value == []
        assert student.call("load", {"name": "course.zoo.planted.trojan"}).value == "refused"
        assert student.call("load", {"name": "course.zoo.languages"}).value == "loaded"


class TestWriting:
    def test_outside(self, confined, tmp_path):
        codes = [
            "open({0!r}, 'w')",
            "open({0!r}, 'a')",
            "os.truncate({0!r}, 0)",
            "os.unlink({0!r})",
            "os.rename({0!r}, {0!r} + '.old')",
            "os.link({0!r}, 'mine')",
            "os.symlink({0!r}, 'mine') or open('mine').read()",
            "os.mkdir({0!r} + '.new')",
        ]
        place = tmp_path / "gradebook"
        place.write_text("100")
        for folder in (tmp_path, *tmp_path.parents[:-2]):
            folder.chmod(0o777)
        place.chmod(0o666)
        assert allowed(confined, *[code.format(str(place)) for code in codes]) == []
        assert place.read_text() == "100"
        assert [path.name for path in tmp_path.iterdir()] == ["gradebook"]

    def test_modes_and_times_do_not_change(self, confined, tmp_path):
        place = tmp_path / "gradebook"
        place.write_text("100")
        before = place.stat()
        codes = ("os.chmod({0!r}, 0)", "os.utime({0!r}, (0, 0))", "os.chown({0!r}, 0, 0)")
        run(confined, *[code.format(str(place)) for code in codes])
        after = place.stat()
        assert (after.st_mode, after.st_mtime) == (before.st_mode, before.st_mtime)

    def test_in_ones_own_folder_which_is_gone_afterwards(self, confined):
        source = """
            import os, tempfile, pathlib, shutil
            def f():
                pathlib.Path("a").mkdir(); pathlib.Path("a/b.txt").write_text("hi")
                shutil.copy("a/b.txt", "c.txt")
                with tempfile.TemporaryDirectory() as folder:
                    pathlib.Path(folder, "x").touch()
                return [os.getcwd(), sorted(os.listdir(".")), os.path.expanduser("~")]
        """
        student = confined(source)
        answer = student.call("f", {})
        assert answer.value[1] == ["a", "c.txt"], answer.message
        assert answer.value[2] == answer.value[0]
        student.close()
        other = confined("import os\ndef there(path): return os.path.exists(path)")
        assert other.call("there", {"path": f"{answer.value[0]}/c.txt"}).value is False

    def test_a_very_deep_folder_is_gone_afterwards(self, confined):
        source = """
            import os
            def f():
                box = os.getcwd()
                for _ in range(800):  # longer than any path may be
                    os.mkdir("deeper"); os.chdir("deeper")
                open("1", "w"); os.mkdir("2")
                return box
        """
        student = confined(source)
        box = student.call("f", {}).value
        student.close()
        if confined.server.spent:
            pytest.skip("this machine is too busy to delete it in time: the server is replaced")
        other = confined("import os\ndef there(path): return os.path.exists(path)")
        assert other.call("there", {"path": f"{box}/deeper"}).value is False

    def test_a_large_file(self, confined):
        code = "open('x', 'wb').write(bytes(100 << 20))"
        answer = confined(RUNS).call("run", {"code": code}, seconds=10)
        assert answer.status == "crash" or answer.value[0] == "denied"


class TestReachingOut:
    def test_refused(self, confined):
        codes = [
            "socket.socket(socket.AF_INET)",
            "socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)",
            "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
            "socket.create_connection(('127.0.0.1', 22), 1)",
            "socket.getaddrinfo('example.org', 80)",
            "socket.socket(socket.AF_UNIX).bind('here')",
            "socket.socket(socket.AF_UNIX).connect('/run/docker.sock')",
            "os.fork()",
            "os.posix_spawn(sys.executable or '/bin/true', ['true'], {})",
            "subprocess.run(['/bin/true'])",
            "os.execv('/bin/true', ['true'])",
            "os.memfd_create('x')",
            "os.pidfd_open(os.getpid())",
            "os.kill(os.getppid(), 0)",
            "os.kill(1, signal.SIGKILL)",
            "os.kill(-1, signal.SIGKILL)",
            "os.killpg(os.getpgid(os.getppid()), signal.SIGTERM)",
            "os.setuid(0)",
            "__import__('fcntl').fcntl(0, 8, os.getppid())",
            "os.setpriority(os.PRIO_PROCESS, os.getppid(), 19)",
            "os.sched_setaffinity(os.getppid(), {0})",
            "os.chroot('.')",
            "os.mknod('device')",
        ]
        assert allowed(confined, *codes) == []

    def test_refused_by_way_of_c(self, confined):
        source = """
            import ctypes, os
            libc = ctypes.CDLL(None, use_errno=True)
            parent = os.getppid()
            calls = [
                ("ptrace", 16, parent, 0, 0),
                ("process_vm_readv", parent, 0, 0, 0, 0, 0),
                ("unshare", 0x10000000),
                ("mount", 0, 0, 0, 0, 0),
                ("setns", 0, 0),
                ("prlimit", parent, 7, 0, 0),
            ]
            def f():
                return [[getattr(libc, name)(*rest), ctypes.get_errno()] for name, *rest in calls]
        """
        assert confined(source).call("f", {}).value == [[-1, errno.EPERM]] * 6

    def test_refused_by_number(self, confined):
        if os.uname().machine != "x86_64":
            pytest.skip("these are the numbers of x86_64")
        source = """
            import ctypes
            libc = ctypes.CDLL(None, use_errno=True)
            def f(numbers):
                return [[libc.syscall(n, 0, 0, 0, 0, 0, 0), ctypes.get_errno()] for n in numbers]
        """
        numbers = [56, 57, 58, 250, 298, 310, 321, 425]
        answer = confined(source).call("f", {"numbers": numbers})
        assert answer.value == [[-1, errno.EPERM]] * len(numbers)

    def test_calls_that_libseccomp_may_not_know_yet(self, confined, tmp_path):
        source = """
            import ctypes
            libc = ctypes.CDLL(None, use_errno=True)
            def f(numbers):
                return [[libc.syscall(n, 0, 0, 0, 0, 0, 0), ctypes.get_errno()] for n in numbers]
        """
        numbers = [442, 448, 467, 470, 519]
        refused = [[-1, errno.EPERM]] * 3 + [[-1, errno.ENOSYS]] * 2
        assert confined(source).call("f", {"numbers": numbers}).value == refused
        place = tmp_path / "gradebook"
        place.write_text("100")
        for folder in (place, tmp_path, *tmp_path.parents[:-2]):
            folder.chmod(0o777)
        mark = """
            import ctypes, os
            def f(path):
                name, value = path.encode(), ctypes.create_string_buffer(b"1")
                what = (ctypes.c_uint64 * 2)(ctypes.addressof(value), 1)
                return ctypes.CDLL(None).syscall(463, -100, name, 0, b"user.was", what, 16)
        """
        confined(mark).call("f", {"path": str(place)})
        assert os.listxattr(place) == []

    @pytest.mark.parametrize("upper", [0, 1 << 32, 0xFFFFFFFF << 32], ids=hex)
    def test_having_the_kernel_signal_somebody(self, confined, upper):
        """The kernel reads the lower half of a command, whatever stands in the upper one."""
        if os.uname().machine != "x86_64":
            pytest.skip("these are the numbers of x86_64")
        source = """
            import ctypes, os
            libc = ctypes.CDLL(None, use_errno=True)
            def f(calls, upper):
                parent, found = ctypes.c_int(os.getppid()), []
                for number, command in calls:
                    where = ctypes.c_ulong(command | upper)
                    made = libc.syscall(number, 1, where, ctypes.byref(parent))
                    found.append([made, ctypes.get_errno()])
                return found
        """
        calls = [[72, 8], [72, 10], [72, 15], [16, 0x8901], [16, 0x8902]]
        answer = confined(source).call("f", {"calls": calls, "upper": upper})
        assert answer.value == [[-1, errno.EPERM]] * len(calls)

    @pytest.mark.parametrize("number", [0x40000000 + 57, 0x40000000 + 520], ids=hex)
    def test_another_architectures_numbers(self, confined, number):
        if os.uname().machine != "x86_64":
            pytest.skip("these are the numbers of x32")
        answer = confined(
            f"import ctypes\ndef f(): return ctypes.CDLL(None).syscall({number})"
        ).call("f", {})
        assert answer.status == "crash"
        assert "SIGSYS" in answer.message

    def test_another_architectures_calls(self, confined):
        if os.uname().machine != "x86_64":
            pytest.skip("machine code of x86_64")
        source = """
            import ctypes, mmap
            def f():
                page = mmap.mmap(-1, 4096, prot=7)
                page.write(bytes([0xB8, 2, 0, 0, 0, 0xCD, 0x80, 0xC3]))  # fork, the 32-bit way
                place = ctypes.addressof(ctypes.c_char.from_buffer(page))
                return ctypes.CFUNCTYPE(ctypes.c_int)(place)()
        """
        answer = confined(source).call("f", {})
        assert answer.status == "crash"

    def test_an_abstract_socket_of_the_graders(self, confined):
        with socket.socket(socket.AF_UNIX) as server:
            server.bind("\0glassbox-test-abstract")
            server.listen()
            code = "socket.socket(socket.AF_UNIX).connect('\\0glassbox-test-abstract')"
            assert allowed(confined, code) == []

    def test_what_honest_code_needs_still_works(self, confined):
        source = """
            import asyncio, concurrent.futures, os, signal, tempfile, threading, torch, tqdm
            def f():
                async def one():
                    await asyncio.sleep(0); return 1
                with concurrent.futures.ThreadPoolExecutor(2) as pool:
                    two = sum(pool.map(len, ["a", "b"]))
                model = torch.nn.Linear(3, 3)
                adam = torch.optim.Adam(model.parameters())
                model(torch.ones(2, 3)).sum().backward(); adam.step()
                os.kill(os.getpid(), 0)
                list(tqdm.tqdm(range(3)))
                with tempfile.TemporaryFile() as file:
                    torch.save(model.state_dict(), file); file.seek(0)
                    again = torch.load(file)
                return [asyncio.run(one()), two, len(again), os.getuid() != 0]
        """
        answer = confined(source).call("f", {})
        assert answer.value == [1, 2, 2, True], answer.message

    def test_plots(self, confined):
        source = """
            import matplotlib.pyplot as plt, os
            def f():
                plt.imshow([[1, 2], [3, 4]]); plt.title("$x^2$"); plt.show()
                plt.savefig("figure.png")
                return os.path.getsize("figure.png") > 1000
        """
        answer = confined(source).call("f", {}, seconds=20)
        assert answer.value is True, answer.message


class TestWhatIsLeft:
    def test_threads_end_with_the_process(self, confined):
        source = """
            import threading, time, os
            def f():
                def on():
                    while True: time.sleep(0.01)
                for _ in range(20): threading.Thread(target=on).start()
                return os.getpid()
        """
        student = confined(source)
        assert student.call("f", {}).status == "value"
        before = time.monotonic()
        student.close()
        assert time.monotonic() - before < 10
        assert student._child is None

    def test_a_thread_bomb(self, confined):
        source = """
            import threading, time
            def f():
                for _ in range(100_000): threading.Thread(target=time.sleep, args=[99]).start()
        """
        answer = confined(source).call("f", {}, seconds=10)
        assert answer.status in ("error", "memory", "timeout", "crash")

    def test_descriptors_of_the_grader_are_not_there(self, confined):
        code = "[fd for fd in range(5, 4096) if not ctypes.CDLL(None).fcntl(fd, 1) < 0]"
        assert run(confined, code) == [["allowed", "[]"]]

    def test_nothing_is_privileged(self, confined):
        wanted = ("CapE", "CapP", "CapI", "NoNew", "Seccomp:")
        code = f"[one for one in open('/proc/self/status') if one.startswith({wanted})]"
        [[_, status]] = run(confined, code)
        assert status.count("0000000000000000") == 3
        assert "NoNewPrivs:\\t1" in status
        assert "Seccomp:\\t2" in status

    def test_memory_of_one_submission_is_not_the_next_ones(self, confined):
        student = confined("import torch\ntorch.CANARY = 1\ndef f(): torch.add = None")
        student.call("f", {})
        other = confined(
            "import torch\ndef f(): return [hasattr(torch, 'CANARY'), torch.add is None]"
        )
        assert other.call("f", {}).value == [False, False]


def test_the_escapes_are_tried_in_earnest(servers):
    """Without confinement most of them succeed, so that a failure means something."""
    found = levels.escapes(servers("process"))
    assert {"read a file outside", "connect to a port", "start a process"} <= set(found)
