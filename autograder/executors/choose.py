"""Which executor grades: what the command line says about workers, checked and started."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from autograder.executors import Executor
from autograder.sandbox import require_levels, require_reached


@dataclass(frozen=True)
class Workers:
    """Who grades, and how well students' code has to be confined.

    Attributes:
        count: sandboxes on this machine; one for each core by default.
        isolation: the level to run at; the best that a machine gives by default.
        min_isolation: the level below which nothing is run.
        scheduler: the address of a dask scheduler, whose workers grade in place of this machine.
        tls_ca: the authority that signed the certificates of scheduler and workers.
        tls_cert: our certificate.
        tls_key: its key.

    """

    count: int | None = None
    isolation: str | None = None
    min_isolation: str = "process"
    scheduler: str | None = None
    tls_ca: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None

    def check(self) -> None:
        """Check what can be checked before anything starts.

        Raises:
            SandboxError: no such level, or one below the minimum.
            ExecutorError: a scheduler that would be talked to in the clear.

        """
        require_levels(self.isolation, minimum=self.min_isolation)
        if self.scheduler is not None:
            from autograder.executors.cluster import security

            security(self.scheduler, self.tls_ca, self.tls_cert, self.tls_key)

    def start(self, jobs: int) -> Executor:
        """Start what grades, for so many jobs; the caller closes it.

        Raises:
            SandboxError: the minimum level cannot be reached.
            ExecutorError: there is no scheduler, or nobody works for it.

        """
        executor = self._executor(jobs)
        try:
            require_reached(executor.level, executor.reasons, minimum=self.min_isolation)
        except BaseException:
            executor.close()
            raise
        return executor

    def _executor(self, jobs: int) -> Executor:
        if self.scheduler is not None:
            from autograder.executors.cluster import ClusterExecutor, security

            tls = security(self.scheduler, self.tls_ca, self.tls_cert, self.tls_key)
            return ClusterExecutor(self.scheduler, tls, self.isolation, self.min_isolation)
        from autograder.executors.local import LocalExecutor

        return LocalExecutor(min(self.count or os.cpu_count() or 1, jobs), self.isolation)
