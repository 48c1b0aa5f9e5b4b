"""Print without end, on both streams, in one line and in bytes that are no text."""

import threading

CLASS = "flooding"
GAINS = ()
SECONDS = 0.5


def flood(stream):
    while True:
        os.write(stream, b"\xff\x00\x1b[2J" * 10_000)


def attack():
    threading.Thread(target=flood, args=[1], daemon=True).start()
    flood(2)
