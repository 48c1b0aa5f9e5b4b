"""Graders that are ready to start: `glassbox` with everything imported, forked for each command.

Run as a script: each line on stdin is a JSON list of arguments. It answers with the pid of a new
process that runs `glassbox` with them, and with its exit code once it has ended. A killed grader
is then as cheap as a process, not as dear as the imports.
"""

import json
import os
import sys

from autograder import bank, report  # noqa: F401 (imported for those that are forked)
from autograder.cli import app


def main() -> None:
    """Serve until the end of stdin."""
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            os.setsid()
            quiet = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1):
                os.dup2(quiet, stream)
            app(json.loads(line))
        print(pid, flush=True)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
