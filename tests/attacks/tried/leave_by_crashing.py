"""Crash the interpreter, and turn off what would tell of it."""

import ctypes
import faulthandler
import signal

CLASS = "leaving"
GAINS = ()


def attack():
    faulthandler.disable()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    ctypes.string_at(0)
