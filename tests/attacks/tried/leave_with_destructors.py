"""Return a value whose destructor, and those of all that is left, act when the process ends."""

import atexit
import sys
import weakref

CLASS = "leaving"
GAINS = ()


class Deadly(float):
    def __del__(self):
        os.write(4, forged({"status": "value", "value": 1.0, "score": 1.0}))
        os._exit(0)


def attack():
    atexit.register(os.write, 4, forged({"status": "value", "value": 1.0}))
    sys.modules["deadly"] = Deadly(1.0)
    weakref.finalize(Deadly, os.write, 1, b"passed")


def answer(*_inputs):
    return [Deadly(1.0)]
