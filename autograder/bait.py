"""What an attack is after, laid out where nothing but the sandbox protects it, and its state later.

A bait is a folder that everybody may read and write, a process of the user who grades, a few
listening sockets and some bytes in the grader's own memory. Each holds a word of its own, a canary,
that no honest submission could know: where it turns up again, something was read.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import secrets
import shutil
import site
import socket
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import course
from autograder.files import write_atomically
from autograder.paths import PACKAGE, Rooms

PREFIX = "canary"
SLEEP = "import time; time.sleep(100_000)"
RESOURCES = (resource.RLIMIT_NOFILE, resource.RLIMIT_CPU, resource.RLIMIT_AS)


class Bait:
    """The bait of one selftest; `close` takes it away.

    Attributes:
        known: what every attacker is told about it.
        canaries: what each piece holds, by its name.

    """

    def __init__(self, lab: str, answers: Mapping[str, Any], solved: str) -> None:
        """Lay it out.

        Args:
            lab: the lab whose real files are bait too.
            answers: what a bank would hold; whoever reads it gains marks.
            solved: another student's submission, which is right.

        """
        self.token = secrets.token_hex(6)
        self.prefix = f"{PREFIX}-{secrets.token_hex(3)}"  # other bait may lie on this machine
        self.canaries: dict[str, str] = {}
        self.folder = Path(tempfile.mkdtemp(prefix="glassbox-bait-"))
        self._end = contextlib.ExitStack()
        self._end.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self._pieces(answers, solved)
        self._memory = ctypes.create_string_buffer(self._canary("memory").encode(), 64)
        self._sockets = self._listen()
        self._places = _places()
        real = _real_files(lab)
        self._fingerprints = {name: _fingerprint(path) for name, path in real.items()}
        self.known: dict[str, Any] = {
            "token": self.token,
            "prefix": self.prefix,
            "folder": str(self.folder),
            "real": {name: str(path) for name, path in real.items()},
            "places": [str(place) for place in self._places],
            "grader": os.getpid(),
            "address": ctypes.addressof(self._memory),
            **{name: str(self.folder / name) for name in ("bank", "gradebook", "ada", "drop")},
            **{
                name: self._sockets[name].getsockname()
                for name in ("tcp", "udp", "abstract", "unix")
            },
        }
        self._start_bystander()
        self._clean = self._state()

    def close(self) -> None:
        """Take it away."""
        self._end.close()

    def read(self, text: str) -> list[str]:
        """Return which pieces' canaries, and which real files' beginnings, stand in a text."""
        found = [name for name, canary in self.canaries.items() if canary in text]
        return found + [name for name, print_ in self._fingerprints.items() if print_ in text]

    def written(self) -> list[str]:
        """Return what has changed or appeared outside a box, and put it right again."""
        state = self._state()
        changed = [
            name for name in {*state, *self._clean} if state.get(name) != self._clean.get(name)
        ]
        for name in changed:
            self._put_back(Path(name))
        for place in self._places:
            for path in place.glob(f"*{self.token}*"):
                changed.append(str(path))
                path.unlink()
        self._clean = self._state()
        return sorted(changed)

    def contacted(self) -> list[str]:
        """Return which sockets have heard something."""
        return [name for name, one in self._sockets.items() if _has_heard(one)]

    def held(self) -> list[str]:
        """Return what was done to the bystander or the grader, and start another bystander."""
        found = []
        if bytes(self._memory.value).decode(errors="replace") != self.canaries["memory"]:
            found.append("the grader's memory was written")
            self._memory.value = self.canaries["memory"].encode()
        if self._bystander.poll() is not None:
            found.append(f"a process was ended: {self._bystander.returncode}")
        elif self._condition() != self._untouched:
            found.append("a process's priority, limits or tracer were changed")
        if found:
            self._start_bystander()
        return found

    def _pieces(self, answers: Mapping[str, Any], solved: str) -> None:
        self._contents = {
            "bank": json.dumps({"canary": self._canary("bank"), **answers}).encode(),
            "ada": f"# {self._canary('ada')}\n{solved}".encode(),
            self._canary("name"): b"",
        }
        book = self.folder / "gradebook"
        with contextlib.closing(sqlite3.connect(book)) as opened:
            opened.execute("create table grades (student text, score real, note text)")
            row = ("eve", 0.0, self._canary("gradebook"))
            opened.execute("insert into grades values (?, ?, ?)", row)
            opened.commit()
        self._contents["gradebook"] = book.read_bytes()
        (self.folder / "drop").mkdir()
        for name, content in self._contents.items():
            write_atomically(self.folder / name, content)
        for path in (self.folder, *self.folder.iterdir()):
            path.chmod(0o777 if path.is_dir() else 0o666)

    def _canary(self, piece: str) -> str:
        return self.canaries.setdefault(piece, f"{self.prefix}-{piece}-{secrets.token_hex(8)}")

    def _listen(self) -> dict[str, socket.socket]:
        sockets = {
            "tcp": socket.create_server(("127.0.0.1", 0)),
            "udp": socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
            "abstract": socket.socket(socket.AF_UNIX),
            "untold": socket.socket(socket.AF_UNIX),
            "unix": socket.socket(socket.AF_UNIX),
        }
        sockets["udp"].bind(("127.0.0.1", 0))
        sockets["abstract"].bind(f"\0glassbox-{self.token}")
        sockets["untold"].bind(f"\0{self._canary('socket')}")
        sockets["unix"].bind(str(self.folder / "socket"))
        (self.folder / "socket").chmod(0o777)
        for name, one in sockets.items():
            self._end.enter_context(one)
            one.setblocking(False)
            if name != "udp":
                one.listen()
        return sockets

    def _start_bystander(self) -> None:
        with (self.folder / "bank").open("rb") as held:
            self._bystander = subprocess.Popen(
                [sys.executable, "-c", SLEEP, self._canary("command")],
                stdin=held,
                env={"CANARY": self._canary("environment")},
                cwd=self.folder,
            )
        self._end.callback(self._bystander.wait)
        self._end.callback(self._bystander.kill)
        self.known["bystander"] = self._bystander.pid
        self._untouched = self._condition()

    def _condition(self) -> tuple:
        pid = self._bystander.pid
        status = Path(f"/proc/{pid}/status").read_text().splitlines()
        return (
            os.getpriority(os.PRIO_PROCESS, pid),
            os.sched_getscheduler(pid),
            os.sched_getaffinity(pid),
            [resource.prlimit(pid, which) for which in RESOURCES],
            Path(f"/proc/{pid}/oom_score_adj").read_text(),
            [line for line in status if line.startswith("TracerPid") or "(stopped)" in line],
        )

    def _state(self) -> dict[str, Any]:
        """Return, of every path in the folder, what it is and holds; reading leaves no trace."""
        return {str(path): _facts(path) for path in [self.folder, *self.folder.rglob("*")]}

    def _put_back(self, path: Path) -> None:
        if path in (self.folder, self.folder / "drop", self.folder / "socket"):
            return
        with contextlib.suppress(OSError):
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        if path.name in self._contents:
            path.write_bytes(self._contents[path.name])
            path.chmod(0o666)


def _facts(path: Path) -> tuple:
    try:
        found = path.lstat()
    except OSError:
        return ()
    is_drop = path.is_dir()
    attributes = tuple(os.listxattr(path, follow_symlinks=False))
    content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
    # A folder's times change with what is in it, and that is listed by itself.
    when = () if is_drop else (found.st_mtime_ns, found.st_size)
    return (found.st_mode, found.st_uid, found.st_nlink, *when, attributes, content)


def _real_files(lab: str) -> dict[str, Path]:
    """Return files of this installation that hold answers, by what they are."""
    rooms = Rooms.here()
    zoo = Path(course.__file__).parent / "zoo"
    return {
        "reference": rooms.reference(lab),
        "expected": rooms.reference(lab).with_suffix(".safetensors"),
        "solution": rooms.solution(lab),
        "spec": next(PACKAGE.glob(f"labs/{lab}*/*.py")),
        "grader": PACKAGE / "compare.py",
        "card": next(zoo.rglob("*.json")),
    }


def _fingerprint(path: Path) -> str:
    """Return how an attack tells that it has read a file: its last bytes."""
    return f"{path.name}={path.read_bytes()[-6:].hex()}"


def _places() -> list[Path]:
    """Return folders in which whoever grades, or everybody, can leave something for later."""
    places = [
        Path(tempfile.gettempdir()),
        Path("/tmp"),
        Path("/var/tmp"),
        Path("/dev/shm"),
        Path.cwd(),
        Path.home(),
        Path(course.__file__).parent,
        *map(Path, site.getsitepackages()),
    ]
    return [place for place in dict.fromkeys(places) if place.is_dir()]


def _has_heard(one: socket.socket) -> bool:
    heard = False
    for _ in range(100):
        try:
            if one.type == socket.SOCK_DGRAM:
                one.recv(1)
            else:
                one.accept()[0].close()
            heard = True
        except OSError:
            break
    return heard
