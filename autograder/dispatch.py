"""Hand out jobs, try again what failed for a reason of ours, and enter every result."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from itertools import islice

from autograder.batch import infrastructure
from autograder.executors import Executor, ExecutorError
from autograder.jobs import Job
from autograder.ledger import Ledger, is_open
from autograder.results import Result

ATTEMPTS = 3
# Enough that no place waits for the next job, few enough to hold in memory.
JOBS_PER_PLACE = 4


@dataclass(frozen=True)
class Outcome:
    """What came of an attempt at a job; not `final` when it will be tried again."""

    job: Job
    result: Result
    final: bool


def grade_jobs(
    jobs: Iterable[Job], executor: Executor, ledger: Ledger, *, attempts: int = ATTEMPTS
) -> Iterator[Outcome]:
    """Grade jobs and yield what came of each attempt, once that is in the ledger.

    A job without a score, for a reason of ours, is tried again by a fresh fork server, behind those
    that wait and at most `attempts` times in all. The ledger has it for the next run.

    Raises:
        ExecutorError: there is nothing left that could grade.

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
            again = is_open(result) and tries[job.key] < attempts
            if again:
                running[executor.submit(job, fresh=True)] = job
            yield Outcome(job, result, final=not again)


def _result(future: Future[Result], job: Job) -> Result:
    try:
        return future.result()
    except ExecutorError:
        raise
    except Exception as error:  # a sandbox that does not start, a worker that was lost
        problem = f"{type(error).__name__}: {error}"
        return infrastructure(job.found, job.papers, problem)
