"""Run a student's code where it can do no harm, and ask it for values.

The grader's side is `launcher` (a fork server, and students' processes started from it), `view`
(which files they can read) and `levels` (how well this machine confines them, found by trying).
`server` and all it imports (`child`, `confine`, `landlock`, `seccomp`, `instruments`) run on the
other side of the wall. Neither side is given an expected value, so neither can leak one. On macOS
and Windows `workers` and `worker` take the places of `launcher`'s server and of `server`.
"""

from autograder.sandbox.launcher import LEVELS, Sandbox, SandboxError
from autograder.sandbox.levels import Probe, probe, require_levels, require_reached
from autograder.sandbox.program import Answer, Arguments, CellOutcome, Program
from autograder.sandbox.student import StudentProcess

__all__ = [
    "LEVELS",
    "Answer",
    "Arguments",
    "CellOutcome",
    "Probe",
    "Program",
    "Sandbox",
    "SandboxError",
    "StudentProcess",
    "probe",
    "require_levels",
    "require_reached",
]
