"""Sleep in C with every signal blocked, under another name and with the lowest priority."""

import ctypes
import signal

CLASS = "flooding"
GAINS = ()
SECONDS = 0.5


def attack():
    for number in signal.valid_signals():
        try:
            signal.signal(number, signal.SIG_IGN)
        except OSError:
            pass
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    ctypes.CDLL(None).prctl(15, b"systemd", 0, 0, 0)
    try:
        os.nice(19)
    except OSError:
        pass
    ctypes.PyDLL(None).sleep(1000)  # with the interpreter's lock held
