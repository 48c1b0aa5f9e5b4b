"""Hand out jobs, try again what failed for a reason of ours, and enter every result."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from itertools import islice

from autograder.batch import infrastructure
from autograder.executors import Executor, ExecutorError
from autograder.jobs import Job
from autograder.ledger import Ledger, is_open
from autograder.results import Result

ATTEMPTS = 3
# Enough that no place waits for the next job, few enough to hold in memory.
JOBS_PER_PLACE = 4


def grade_jobs(
    jobs: Iterable[Job], executor: Executor, ledger: Ledger, *, attempts: int = ATTEMPTS
) -> Iterator[tuple[Job, Result]]:
    """Grade jobs and yield each with its result, once that is in the ledger.

    A result that is no score is entered and yielded too; its job is then tried again by a fresh
    fork server, at most `attempts` times in all, and yielded again.
    """
    waiting = iter(jobs)
    tries: Counter[str] = Counter()
    running: dict[Future[Result], Job] = {}
    while True:
        room = max(0, JOBS_PER_PLACE * executor.places - len(running))
        running |= {executor.submit(job): job for job in islice(waiting, room)}
        if not running:
            return
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            job = running.pop(future)
            result = _result(future, job)
            ledger.enter(job, result)
            tries[job.key] += 1
            if is_open(result) and tries[job.key] < attempts:
                running[executor.submit(job, fresh=True)] = job
            yield job, result


def _result(future: Future[Result], job: Job) -> Result:
    try:
        return future.result()
    except ExecutorError:
        raise
    except Exception as error:  # a sandbox that does not start, a worker that was lost
        problem = f"{type(error).__name__}: {error}"
        return infrastructure(job.found, job.papers, problem)
