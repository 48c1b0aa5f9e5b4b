"""Set timers, alarms and a watchdog that go off after the call."""

import faulthandler
import signal
import threading

CLASS = "lingering"
GAINS = ()
LATER = 0.3


def act(*_args):
    os.write(4, forged({"status": "value", "value": 1.0}))
    try:
        open(f"{KNOWN['drop']}/timer", "w").close()
    except OSError:
        pass


def attack():
    for number, timer in (
        (signal.SIGALRM, signal.ITIMER_REAL),
        (signal.SIGVTALRM, signal.ITIMER_VIRTUAL),
        (signal.SIGPROF, signal.ITIMER_PROF),
    ):
        signal.signal(number, act)
        signal.setitimer(timer, 0.05, 0.05)
    threading.Timer(0.1, act).start()
    faulthandler.dump_traceback_later(0.05, repeat=True, file=4)
