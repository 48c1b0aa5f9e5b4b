"""Send signals to another process by every call that sends one."""

import ctypes
import signal

CLASS = "signalling"
GAINS = ("hold",)

TERM = int(signal.SIGTERM)


def attack():
    libc = ctypes.CDLL(None, use_errno=True)
    pid = KNOWN["bystander"]
    information = ctypes.create_string_buffer(128)
    ways = (
        lambda: libc.tgkill(pid, pid, TERM),
        lambda: libc.sigqueue(pid, TERM, 0),
        lambda: libc.syscall(129, pid, TERM, information),  # rt_sigqueueinfo
        lambda: signal.pidfd_send_signal(os.pidfd_open(pid), TERM),
        lambda: os.kill(pid, TERM),
        lambda: os.kill(1 << 32 | pid, TERM),
        lambda: os.killpg(os.getpgid(pid), 0),
    )
    for way in ways:
        try:
            way()
        except (OSError, OverflowError):
            pass
    for other in (os.getppid(), KNOWN["grader"]):
        try:
            os.kill(other, 0)
            loot.append("gained hold: its parent or the grader can be signalled")
        except OSError:
            pass
