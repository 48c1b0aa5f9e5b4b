"""What a benchmark says, row by row."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from rich import box
from rich.table import Table


@dataclass(frozen=True)
class Row:
    """One figure of ours, beside that of a peer or the limit that it has to keep.

    Attributes:
        name: what was measured.
        ours: our median, in `unit`; less is better.
        peer: the peer's median, in the same unit.
        peer_name: whose that is.
        limit: the most that `ours` may be; or, where a row says so, the least that it can be.
        unit: s, ms or MB.
        n: how many rounds or repetitions the medians are over.

    """

    name: str
    ours: float
    unit: str
    n: int
    peer: float | None = None
    peer_name: str | None = None
    limit: float | None = None

    @property
    def ratio(self) -> float | None:
        """How many times better ours is than the peer."""
        return None if self.peer is None else self.peer / self.ours

    def as_json(self) -> dict[str, Any]:
        """Return the row's fields, the ratio among them."""
        return {**asdict(self), "ratio": self.ratio}


def median_row(name: str, ours: Iterable[float], unit: str, **more: Any) -> Row:
    """Return a row of medians; `peer` may be measurements too."""
    ours = list(ours)
    if isinstance(more.get("peer"), list):
        more["peer"] = statistics.median(more["peer"])
    return Row(name, statistics.median(ours), unit, len(ours), **more)


def table(rows: Iterable[Row], limit: str = "at most") -> Table:
    """Return the rows as a table for a terminal; `limit` is the heading of the limits."""
    shown = Table(box=box.SIMPLE_HEAD)
    shown.add_column("")
    for heading in ("ours", "", "peer", "", "times better", limit, "n"):
        shown.add_column(heading, justify="left" if heading == "" else "right")
    for row in rows:
        ratio = "" if row.ratio is None else f"{row.ratio:.3g}"
        peer = "" if row.peer is None else f"{row.peer:.3g}"
        shown_limit = "" if row.limit is None else f"{row.limit:.4g}"
        unit, whose = row.unit, row.peer_name or ""
        shown.add_row(
            row.name, f"{row.ours:.3g}", unit, peer, whose, ratio, shown_limit, str(row.n)
        )
    return shown
