"""Act when the interpreter ends: atexit, finalizers, excepthook, threading's own shutdown."""

import atexit
import signal
import sys
import threading
import weakref

CLASS = "lingering"
GAINS = ("write",)
LATER = 0.1


def act(*_args):
    try:
        open(f"{KNOWN['drop']}/at-exit", "w").close()
    except OSError:
        pass


class Last:
    __del__ = act


def attack():
    atexit.register(act)
    threading._register_atexit(act)
    weakref.finalize(sys, act)
    sys.last_value = Last()
    sys.excepthook = sys.unraisablehook = act
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, act)
