"""Write a file whole or not at all; pack files so that the same ones give the same bytes."""

from __future__ import annotations

import io
import os
import tempfile
import zipfile
from collections.abc import Mapping
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


def remove_unfinished(folder: Path, pattern: str) -> None:
    """Remove what a killed `write_atomically` has left of the files whose names match."""
    for path in folder.glob(f".{pattern}.????????"):  # eight letters are mkstemp's
        path.unlink(missing_ok=True)


def zipped(files: Mapping[str, bytes], modes: Mapping[str, int] | None = None) -> bytes:
    """Return a zip whose bytes depend on the files alone: sorted, without times or owners.

    Args:
        files: what is to be in it, by path.
        modes: the rights of those files that are not 0644.

    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = (0o100000 | (modes or {}).get(name, 0o644)) << 16
            archive.writestr(entry, files[name])
    return buffer.getvalue()
