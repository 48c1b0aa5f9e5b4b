"""A worker: an interpreter on the student's side that imports what a lab needs, and then waits.

`workers` starts it through `bootstrap.py`, where there is no fork server, and uses it for one
submission. It answers as a fork server's child does. Its stdin brings requests, its stdout takes
replies away, and what is printed goes to its stderr.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

from autograder.sandbox import confine, preload

GRADER_SECONDS = 1.0


def main(config: str) -> None:
    """Get ready, say so, take the student's place when told for whom, and answer."""
    confine.take_pipes(0, 1, 2)
    facts = json.loads(config)
    preload.everything(facts)
    become(facts["uid"])
    end_with_grader()
    from autograder.frames import FrameEndedError, read_own_frame
    from autograder.sandbox import child

    child.send({"status": "started"})
    try:
        serve(read_own_frame(child.receive).value(trusted=True))
    except FrameEndedError:  # the grader needs it no more
        os._exit(0)


def serve(order: dict[str, Any]) -> None:
    """Take away what the lab withholds, set the limits that there are, and answer."""
    from autograder.sandbox import child, instruments

    instruments.plan(tuple(order["withheld"])).carry_out()
    confine.enter_box(str(Path.cwd()))
    instruments.forget_autograder()
    ground = confine.Ground(
        level="process",
        trees=(),
        files=(),
        listed=(),
        address_space=confine.address_space(),
        processes=None,
    )
    confine.limit(ground, order["megabytes"])
    child.send({"status": "ready"})
    child.serve(ground)


def become(uid: int | None) -> None:
    """Become an ordinary user for good; with `uid` None, stay who this is."""
    if uid is not None and sys.platform != "win32":
        os.setgroups([])
        os.setgid(uid)
        os.setuid(uid)


def end_with_grader() -> None:
    """See to it that nothing a student has started here goes on when the grader has been killed."""
    import psutil

    grader = psutil.Process(os.getppid())

    def watch() -> None:
        while grader.is_running():
            time.sleep(GRADER_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
