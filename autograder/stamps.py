"""When a submission was handed in, from what nbgrader and learning platforms write about it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from autograder.opening import SubmissionError, read_limited

_STAMP = re.compile(
    r"(\d{4})\D?(\d{2})\D?(\d{2})(?:\D{0,3}(\d{2})\D?(\d{2})(?:\D?(\d{2}))?(?:\.\d+)?)?"
    r"(?:\s*(?P<zone>Z|[+-]\d{2}:?\d{2}|[A-Za-z][\w+-]*(?:/[\w+-]+)*))?"
)


def stamp(text: str) -> str | None:
    """Return the time in UTC as `2026-02-02T14:58:23Z`, or None when `text` holds no time.

    Year first, with or without separators, a zone as an offset or a name; UTC without one. This
    covers nbgrader's `timestamp.txt` and the file names of learning platforms.
    """
    match = _STAMP.search(text)
    if match is None:
        return None
    try:
        numbers = [int(part or 0) for part in match.groups()[:6]]
        return utc(datetime(*numbers, tzinfo=_zone(match["zone"])))  # type: ignore[misc]
    except (ValueError, OverflowError):
        return None


def utc(time: datetime) -> str:
    """Return a time as text in UTC, to the second, so that texts sort like times."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _zone(name: str | None) -> tzinfo | None:
    if not name or name in ("Z", "UTC"):
        return UTC
    if name[0] in "+-":
        return datetime.strptime(name, "%z").tzinfo
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        return UTC


def stamp_beside(path: Path) -> str | None:
    """Return what nbgrader wrote beside a submission about when it was handed in."""
    beside = path.parent / "timestamp.txt"
    if beside.is_symlink() or not beside.is_file():
        return None
    try:
        return stamp(read_limited(beside, 1000).decode("utf-8", "replace"))
    except SubmissionError:
        return None
