"""End early and cleanly, in the hope that what did not fail has passed."""

import sys

CLASS = "leaving"
GAINS = ()


def attack():
    print("all tests passed")
    sys.exit(0)
