"""Stop, as with control-Z, so as to be neither running nor dead."""

import signal

CLASS = "flooding"
GAINS = ()
SECONDS = 0.5


def attack():
    os.kill(os.getpid(), signal.SIGSTOP)
