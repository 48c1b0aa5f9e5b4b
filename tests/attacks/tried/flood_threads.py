"""Start threads until no more can be had."""

import threading
import time

CLASS = "flooding"
GAINS = ()
SECONDS = 3.0


def attack():
    for _ in range(3000):
        try:
            threading.Thread(target=time.sleep, args=[20], daemon=True).start()
        except RuntimeError:
            break
