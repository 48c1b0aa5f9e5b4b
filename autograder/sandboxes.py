"""A sandbox for each worker, lent to whoever grades next."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from queue import SimpleQueue

from autograder.sandbox import LEVELS, Sandbox, SandboxError


class Sandboxes:
    """Several sandboxes of one level.

    Attributes:
        level: how well students' code is confined; every sandbox has shown it.
        reasons: why not better.
        count: how many there are.

    """

    def __init__(self, count: int, isolation: str | None = None) -> None:
        """Start them side by side; raise SandboxError when one cannot reach the level."""
        self.count, self._isolation = count, isolation
        # A place whose sandbox could not be started again holds None.
        self._free: SimpleQueue[Sandbox | None] = SimpleQueue()
        with ThreadPoolExecutor(count) as pool:
            starting = [pool.submit(Sandbox, isolation) for _ in range(count)]
        failures = [one.exception() for one in starting]
        started = [one.result() for one in starting if one.exception() is None]
        for sandbox in started:
            self._free.put(sandbox)
        if failure := next(filter(None, failures), None):
            self._end(len(started))
            raise failure
        # The weakest counts: what is promised holds for every submission.
        weakest = min(started, key=lambda one: LEVELS.index(one.level))
        self.level, self.reasons = weakest.level, list(weakest.reasons)

    def __enter__(self) -> Sandboxes:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def lent(self, *, fresh: bool = False) -> Iterator[Sandbox]:
        """Lend a free sandbox for the time of one submission; with `fresh`, one just started."""
        sandbox = self._free.get()
        try:
            if fresh and sandbox is not None:
                sandbox.close()
                sandbox = None
            sandbox = sandbox or self._start()
            yield sandbox
        finally:
            self._free.put(sandbox)

    def _start(self) -> Sandbox:
        sandbox = Sandbox(self._isolation)
        if LEVELS.index(sandbox.level) < LEVELS.index(self.level):
            sandbox.close()
            raise SandboxError(
                f"a new fork server reaches {sandbox.level!r} only, the others have {self.level!r}"
            )
        return sandbox

    def close(self) -> None:
        """End them all, once those that are lent have come back."""
        self._end(self.count)

    def _end(self, count: int) -> None:
        for _ in range(count):
            if (sandbox := self._free.get()) is not None:
                sandbox.close()
