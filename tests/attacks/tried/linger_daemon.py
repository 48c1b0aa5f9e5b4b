"""Leave a daemon behind, twice forked and in a session of its own, that writes a file later."""

import subprocess
import sys
import time

CLASS = "lingering"
GAINS = ()
LATER = 0.4


def attack():
    path = f"{KNOWN['drop']}/later"
    try:
        subprocess.Popen(
            ["/bin/sh", "-c", f"sleep 0.3; echo > {path}; sleep 20 # {KNOWN['token']}"],
            start_new_session=True,
        )
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                time.sleep(0.3)
                open(path, "w").close()
                os.execv(sys.executable or "/bin/sleep", ["sleep", "20", KNOWN["token"]])
            os._exit(0)
    except OSError:
        pass
