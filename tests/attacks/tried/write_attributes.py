"""Change what is said of a file: its mode, owner, times, attributes and flags."""

import ctypes

CLASS = "writing"
GAINS = ("write",)

FILE_SETATTR, NODUMP = 469, 0x80


def attack():
    libc = ctypes.CDLL(None, use_errno=True)
    bank = KNOWN["bank"]
    flags = (ctypes.c_uint64 * 4)(NODUMP, 0, 0, 0)
    ways = (
        lambda: os.chmod(bank, 0o600),
        lambda: os.chown(bank, os.getuid(), os.getgid()),
        lambda: os.utime(bank, (0, 0)),
        lambda: os.setxattr(bank, "user.student", b"was here"),
        lambda: libc.syscall(452, -100, bank.encode(), 0o640, 0),  # fchmodat2
        lambda: libc.syscall(463, -100, bank.encode(), 0, b"user.x", (ctypes.c_uint64 * 2)(), 16),
        lambda: libc.syscall(FILE_SETATTR, -100, bank.encode(), flags, 24, 0),
        lambda: os.chmod(KNOWN["folder"], 0o700),
    )
    for way in ways:
        try:
            way()
        except OSError:
            pass
