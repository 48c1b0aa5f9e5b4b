"""Leave a thread behind that writes a file and a reply when the next student is graded."""

import threading
import time

CLASS = "lingering"
GAINS = ()
LATER = 0.3


def later():
    for _ in range(20):
        time.sleep(0.2)
        try:
            open(f"{KNOWN['drop']}/later", "w").close()
        except OSError:
            pass


def attack():
    threading.Thread(target=later, daemon=False).start()
