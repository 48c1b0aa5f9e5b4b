"""Claim that the grader is to blame, so that an earlier score stays."""

import signal

CLASS = "forging"
GAINS = ()


class SandboxError(RuntimeError):
    """The fork server has died: out of memory."""


def attack():
    print("the fork server has died", flush=True)
    os.write(
        4, forged({"status": "infrastructure", "message": "a confined process does not start"})
    )
    os.kill(os.getpid(), signal.SIGKILL)


def answer(*_inputs):
    raise SandboxError(SandboxError.__doc__)
