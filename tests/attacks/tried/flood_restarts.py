"""Die in every cell and in every call, so that the process is started again and again."""

import time

CLASS = "flooding"
GAINS = ()

started = time.time()


def attack():
    os._exit(int(started) % 200)


def answer(*_inputs):
    os._exit(0)
