"""Fork, and let each child fork."""

import time

CLASS = "flooding"
GAINS = ()


def attack():
    """Make 64 processes that would go on, where nothing ends them; a real bomb has no limit."""
    for _ in range(6):
        try:
            pid = os.fork()
        except OSError:
            return
        if pid == 0:
            os.setsid()
    time.sleep(0.05)
