"""Jobs are tried again a bounded number of times, and entered before anybody is told."""

from concurrent.futures import Future

import pytest
from ledger_jobs import failed, job, scored

from autograder.dispatch import ATTEMPTS, JOBS_PER_PLACE, grade_jobs
from autograder.executors import ExecutorError
from autograder.ledger import Ledger, read_gradebook
from autograder.sandbox import SandboxError


class Fake:
    """Answers at once, as the script says: for each student a list of results or exceptions."""

    level, reasons, places = "landlock", (), 2

    def __init__(self, script=None):
        self.script = script or {}
        self.asked = []

    def submit(self, job, *, fresh=False):
        self.asked.append((job.found.student, fresh))
        future = Future()
        answers = self.script.get(job.found.student)
        answer = answers.pop(0) if answers else scored
        if isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            future.set_result(answer(job))
        return future


@pytest.fixture
def ledger(tmp_path):
    with Ledger(tmp_path / "out") as ledger:
        yield ledger


def graded(ledger, executor, jobs):
    ledger.plan(jobs)
    return list(grade_jobs(jobs, executor, ledger))


def test_every_job_is_graded_and_entered_before_it_is_told(ledger, tmp_path):
    jobs = [job(tmp_path, f"student{place}") for place in range(20)]
    ledger.plan(jobs)
    told = set()
    for outcome in grade_jobs(iter(jobs), Fake(), ledger):
        told.add(outcome.result.student)
        held = {grade.result.student for grade in read_gradebook(tmp_path / "out")}
        assert told <= held
        assert outcome.final
    assert told == {one.found.student for one in jobs}


def test_trouble_is_tried_again_by_a_fresh_fork_server(ledger, tmp_path):
    executor = Fake({"ada": [failed, SandboxError("it does not start"), scored]})
    outcomes = graded(ledger, executor, [job(tmp_path)])
    assert executor.asked == [("ada", False), ("ada", True), ("ada", True)]
    assert [one.final for one in outcomes] == [False, False, True]
    assert "it does not start" in (outcomes[1].result.problem or "")
    assert [one.result.score for one in outcomes] == [None, None, 2.0]


def test_trouble_that_stays_is_left_for_the_next_run(ledger, tmp_path):
    ada = job(tmp_path)
    executor = Fake({"ada": [failed] * 10})
    outcomes = graded(ledger, executor, [ada])
    assert len(outcomes) == ATTEMPTS
    assert outcomes[-1].final
    assert outcomes[-1].result.score is None
    assert ledger.plan([ada]).to_do == [ada]


def test_few_jobs_are_handed_out_at_a_time(ledger, tmp_path):
    jobs = [job(tmp_path, f"student{place}") for place in range(30)]
    ledger.plan(jobs)
    executor = Fake()
    next(grade_jobs(jobs, executor, ledger))
    assert len(executor.asked) == JOBS_PER_PLACE * executor.places


def test_the_end_of_the_executor_ends_the_run_and_loses_nothing(ledger, tmp_path):
    ada, bob = job(tmp_path, "ada"), job(tmp_path, "bob")
    executor = Fake({"bob": [ExecutorError("the scheduler has gone")]})
    with pytest.raises(ExecutorError, match="has gone"):
        graded(ledger, executor, [ada, bob])
    assert bob in ledger.plan([ada, bob]).to_do
