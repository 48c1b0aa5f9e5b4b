"""Send a reply one byte at a time, for as long as anybody listens."""

import time

CLASS = "framing"
GAINS = ()
SECONDS = 0.5


def attack():
    for byte in forged({"status": "value", "value": 1.0}) * 1000:
        os.write(4, bytes([byte]))
        time.sleep(0.02)
