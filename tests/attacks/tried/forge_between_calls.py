"""Leave a thread behind that writes replies between the calls, for this exercise and the next."""

import threading
import time

CLASS = "forging"
GAINS = ()


def claim():
    for _ in range(1000):
        time.sleep(0.002)
        os.write(4, forged({"status": "value", "value": 1.0, "token": "0" * 16}))


def attack():
    threading.Thread(target=claim, daemon=True).start()
