"""A sandbox that notes how long each stage of a submission takes; it grades like any other."""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from autograder.sandbox import Program, Sandbox, StudentProcess


@dataclass
class Stopwatch:
    """Seconds by name, one number a round."""

    rounds: list[dict[str, float]] = field(default_factory=list)

    def start_round(self) -> None:
        """Begin the next round."""
        self.rounds.append(defaultdict(float))

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        """Add the time of what is inside to this round's."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.rounds[-1][name] += time.perf_counter() - started

    def median(self, name: str) -> float:
        """Return the median over rounds, in milliseconds."""
        return 1000 * statistics.median(one.get(name, 0.0) for one in self.rounds)

    @property
    def names(self) -> list[str]:
        """All names, in the order in which they first came."""
        return list(dict.fromkeys(name for one in self.rounds for name in one))


class ObservedSandbox(Sandbox):
    """A sandbox with a clock.

    Attributes:
        watch: what every stage took.
        at_end: called when a submission is done and its process still there.

    """

    def __init__(self, level: str | None = None) -> None:
        """Start at `level`, as any sandbox."""
        super().__init__(level)
        self.watch = Stopwatch()
        self.at_end: Callable[[], None] = lambda: None

    def __enter__(self) -> ObservedSandbox:
        return self

    def start(self, program: Program) -> StudentProcess:
        """Run a submission's cells in a new process, each under the clock."""
        return _Observed(self, program)


class _Observed(StudentProcess):
    def __init__(self, sandbox: ObservedSandbox, program: Program) -> None:
        self._sandbox, self._watch = sandbox, sandbox.watch
        super().__init__(self._timed_fork, program)

    def _timed_fork(self, program: Program) -> Any:
        with self._watch.of("fork"):
            return self._sandbox.server.fork(program)

    def _expect_ready(self, child: Any) -> None:
        with self._watch.of("confine"):
            super()._expect_ready(child)

    def _run_cell(self, index: int, source: str) -> Any:
        with self._watch.of(f"cell {index:02}"):
            return super()._run_cell(index, source)

    def call(self, entry: str, *inputs: Any, **limits: Any) -> Any:
        with self._watch.of(f"call {entry}"):
            return super().call(entry, *inputs, **limits)

    def close(self) -> None:
        self._sandbox.at_end()
        with self._watch.of("end"):
            super().close()
