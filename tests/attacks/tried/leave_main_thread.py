"""End only the main thread: the process looks dead, and another thread goes on claiming answers."""

import ctypes
import threading
import time

CLASS = "leaving"
GAINS = ()
SECONDS = 0.5


def go_on():
    while True:
        time.sleep(0.05)
        os.write(4, forged({"status": "value", "value": 1.0}))


def attack():
    threading.Thread(target=go_on, daemon=True).start()
    number = {"x86_64": 60, "aarch64": 93}[os.uname().machine]  # exit, of this thread alone
    ctypes.PyDLL(None).syscall(number, 0)
