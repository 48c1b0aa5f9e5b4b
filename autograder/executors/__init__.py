"""Where submissions are graded, in the manner of `concurrent.futures`: one file per way.

`local` grades on this machine and needs nothing started; `cluster` sends jobs to the workers of a
`dask.distributed` scheduler. Either is given jobs and gives back futures of results; neither writes
anything, which is the ledger's.
"""

from __future__ import annotations

from concurrent.futures import Future
from typing import Protocol

from autograder.jobs import Job
from autograder.results import Result


class ExecutorError(RuntimeError):
    """Nothing more can be graded here; what is done stays done."""


class Executor(Protocol):
    """What grades jobs.

    Attributes:
        level: how well students' code is confined, at the weakest place.
        reasons: why not better.

    """

    level: str
    reasons: list[str]

    @property
    def places(self) -> int:
        """How many jobs are graded at once."""
        ...

    def submit(self, job: Job, *, fresh: bool = False) -> Future[Result]:
        """Grade a job; with `fresh`, by a fork server that is started for it."""
        ...

    def close(self) -> None:
        """End all that was started here."""
        ...
