"""Make an interpreter on Linux look like one on macOS or Windows, as far as our own code can tell.

Libraries are imported before, as themselves; what is taken away is what the standard library lacks
there, so that any use of it by `autograder` or `course` fails. It runs on the grader's side and on
the student's: as a script this file stands in for `bootstrap.py`.
"""

import ctypes
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
from pathlib import Path
from types import SimpleNamespace

# Of both sides, and of the grader's alone.
LIBRARIES = ("IPython.core.interactiveshell", "matplotlib.pyplot", "psutil", "torch._dynamo")
FOR_GRADING = ("filelock", "jupytext", "nbformat", "pydantic", "rich.progress", "typer.testing")
LINUX_ONLY = {
    os: "memfd_create pidfd_open setresgid setresuid sched_getaffinity eventfd O_PATH",
    select: "epoll",
    signal: "pidfd_send_signal",
    socket: "SOCK_SEQPACKET",
}
POSIX_ONLY = {
    os: "chown fork forkpty geteuid getgid getuid killpg set_blocking setgid setgroups setsid"
    " setuid sysconf wait4 waitid",
    select: "poll",
    signal: "SIGKILL SIGXCPU SIGCHLD",
    socket: "AF_UNIX recv_fds send_fds",
}
POSIX_MODULES = ("fcntl", "grp", "pwd", "resource", "termios")


def pretend(platform: str) -> None:
    """Take away what `platform` (`darwin` or `win32`) does not have."""
    psutil = sys.modules["psutil"]
    psutil.signal = SimpleNamespace(**vars(signal))  # it stays the one of Linux
    for owner, names in LINUX_ONLY.items():
        take_away(owner, names)
    if platform == "win32":
        for owner, names in POSIX_ONLY.items():
            take_away(owner, names)
        for name in POSIX_MODULES:
            sys.modules[name] = None
    open_library = ctypes.CDLL.__init__

    def open_named(self, name, *args, **kwargs):
        if name is None:
            raise TypeError("there is no C library without a name")
        open_library(self, name, *args, **kwargs)

    ctypes.CDLL.__init__ = open_named
    sys.platform = platform


def load(*names: str) -> None:
    for name in names:
        importlib.import_module(name)


def take_away(owner, names: str) -> None:
    for name in names.split():
        if hasattr(owner, name):
            delattr(owner, name)


def write_bootstrap(path: Path, platform: str) -> None:
    """Write a script that runs a worker as if it were on this platform."""
    here = str(Path(__file__).parent)
    path.write_text(
        f"import sys; sys.path.insert(0, {here!r})\n"
        f"import elsewhere; elsewhere.bootstrap({platform!r})\n"
    )


def bootstrap(platform: str) -> None:
    """Do what `bootstrap.py` does, elsewhere."""
    packages, home = (json.loads(sys.argv[2])[name] for name in ("packages", "home"))
    sys.path[:] = [*packages, *sys.path[1:]]
    load(*LIBRARIES)
    pretend(platform)
    runpy.run_path(f"{home}/autograder/sandbox/bootstrap.py", run_name="__main__")


if __name__ == "__main__":
    # As a grader: pretend, then run the code that is given.
    load(*LIBRARIES, *FOR_GRADING)
    pretend(sys.argv[1])
    from autograder.sandbox import workers

    workers.SCRIPT = Path(sys.argv[2])
    exec(sys.argv[3])
