"""Grade on this machine: a thread and a fork server for each place."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

from autograder.batch import grade
from autograder.jobs import Job
from autograder.results import Result
from autograder.sandboxes import Sandboxes


class LocalExecutor:
    """Threads with a sandbox each; see `Executor`."""

    def __init__(self, count: int, isolation: str | None = None) -> None:
        """Start `count` sandboxes; raise SandboxError when one cannot reach the level."""
        self._sandboxes = Sandboxes(count, isolation)
        self._threads = ThreadPoolExecutor(count, "grading")
        self.level, self.reasons = self._sandboxes.level, self._sandboxes.reasons

    @property
    def places(self) -> int:
        """How many jobs are graded at once."""
        return self._sandboxes.count

    def submit(self, job: Job, *, fresh: bool = False) -> Future[Result]:
        """Grade a job in the next free sandbox."""
        return self._threads.submit(self._grade, job, fresh)

    def close(self) -> None:
        """End the sandboxes, once what they are at is done."""
        self._threads.shutdown(cancel_futures=True)
        self._sandboxes.close()

    def _grade(self, job: Job, fresh: bool) -> Result:
        with self._sandboxes.lent(fresh=fresh) as sandbox:
            return grade(job.found, job.papers, sandbox, sha256=job.file_sha256)
