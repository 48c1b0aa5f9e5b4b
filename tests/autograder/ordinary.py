"""Run a command as an ordinary user, where the tests are run by root and its files are its own."""

import os
import shutil
import sys
from pathlib import Path

UID = 1234


def unavailable() -> str:
    """Return why that cannot be done here, or an empty text."""
    if os.getuid() != 0:
        return "the tests are run by an ordinary user already"
    missing = [name for name in ("bwrap", "setpriv") if shutil.which(name) is None]
    return f"{' and '.join(missing)} missing, to become somebody else" if missing else ""


def command(*arguments: str) -> list[str]:
    """Return the command that runs another with an ordinary user's rights.

    The interpreter may lie in root's home, which an ordinary user cannot enter: there it is bound
    into an empty folder of the same name.
    """
    prefix = Path(os.path.realpath(sys.executable)).parents[1]
    hide = []
    for folder in reversed(prefix.parents[:-1]):
        if not folder.stat().st_mode & 1:
            hide += ["--perms", "0755", "--tmpfs", str(folder)]
        elif hide:
            hide += ["--perms", "0755", "--dir", str(folder)]
    if hide:
        hide += ["--ro-bind", str(prefix), str(prefix)]
    become = ["setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups"]
    become += ["--inh-caps=-all", "--bounding-set=-all"]
    return ["bwrap", "--dev-bind", "/", "/", *hide, *become, "env", "HOME=/tmp", *arguments]
