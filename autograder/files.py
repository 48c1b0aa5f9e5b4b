"""Write a file whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_atomically(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write beside `path` and rename, so that nobody ever sees half a file.

    With a mode that gives others nothing, folders that are made on the way are private too.
    """
    private = mode & 0o077 == 0
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700 if private else 0o777)
    # mkstemp creates with mode 0600, so a private file is never readable by others.
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        temporary.chmod(mode)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
