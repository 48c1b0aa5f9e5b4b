"""A real scheduler and two workers, over TLS; one of them is killed in the middle."""

import contextlib
import json
import re
import sys
import time
from contextlib import closing

import psutil
import pytest
import small_class
import trustme

from autograder.batch import Papers
from autograder.dispatch import grade_jobs
from autograder.executors import ExecutorError
from autograder.executors import cluster as cluster_module
from autograder.executors.cluster import ClusterExecutor, security
from autograder.jobs import make_jobs
from autograder.ledger import Ledger, read_gradebook
from autograder.sandbox import SandboxError
from autograder.submissions import discover

COUNT = 16
PATIENCE = 120.0


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """The files that --tls-ca, --tls-cert and --tls-key name."""
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    ours = authority.issue_cert("127.0.0.1")
    ours.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    ours.private_key_pem.write_to_path(folder / "key.pem")
    return folder / "ca.pem", folder / "cert.pem", folder / "key.pem"


@pytest.fixture(scope="module")
def cluster(certificates, tmp_path_factory):
    """A scheduler's address, its process, and those of its two workers."""
    folder = tmp_path_factory.mktemp("cluster")
    ca, cert, key = map(str, certificates)
    tls = ["--tls-ca-file", ca, "--tls-cert", cert, "--tls-key", key, "--protocol", "tls"]
    shared = ["--host", "127.0.0.1", "--scheduler-file", str(folder / "scheduler.json"), *tls]
    started = []

    def start(what, *more):
        command = [sys.executable, "-m", "dask", what, *shared, "--no-dashboard", *more]
        with (folder / f"{what}.log").open("ab") as log:
            started.append(psutil.Popen(command, stdout=log, stderr=log, cwd=folder))
        return started[-1]

    start("scheduler", "--port", "0")
    for _ in range(2):
        start("worker", "--nthreads", "1", "--no-nanny")
    log = folder / "worker.log"
    deadline = time.monotonic() + PATIENCE
    while not log.exists() or log.read_text().count("Registered to") < 2:
        assert time.monotonic() < deadline, (folder / "scheduler.log").read_text()
        time.sleep(0.1)
    yield json.loads((folder / "scheduler.json").read_text())["address"], *started
    every = [*started, *(child for one in started for child in below(one))]
    for process in started:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
        process.wait(PATIENCE)
    assert psutil.wait_procs(every, PATIENCE)[1] == []


def below(process):
    """Return the processes that this one has started."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.children(recursive=True)
    return []


@pytest.fixture
def jobs(tmp_path):
    papers = {small_class.LAB: Papers.public(small_class.lab())}
    small_class.write(tmp_path / "submissions", COUNT)
    (tmp_path / "submissions" / "a_link.py").symlink_to("student000.py")
    return make_jobs(discover([tmp_path / "submissions"], lab=small_class.LAB), papers)


@pytest.mark.slow
def test_a_class_is_graded_though_a_worker_is_killed(cluster, certificates, jobs, tmp_path):
    address, _, *workers = cluster
    assert address.startswith("tls://")
    executor = ClusterExecutor(address, security(address, *certificates), None, "process")
    outcomes = []
    with closing(executor), Ledger(tmp_path / "out") as ledger:
        assert executor.places == 2
        sandboxes = below(workers[0])
        assert sandboxes
        for outcome in grade_jobs(ledger.plan(jobs).to_do, executor, ledger):
            outcomes.append(outcome)
            if len(outcomes) == 4:
                workers[0].kill()
                assert psutil.wait_procs([workers[0], *sandboxes], PATIENCE)[1] == []
        assert executor.places == 1
    assert [one.final for one in outcomes] == [True] * (COUNT + 1)
    got = {grade.result.student: grade.result for grade in read_gradebook(tmp_path / "out")}
    assert got.pop("a_link").status == "unreadable"
    for student, way in small_class.ways(COUNT).items():
        statuses = {one.id.partition("/")[2]: one.status for one in got[student].exercises}
        assert statuses["layer_norm"] == small_class.STATUS[way]
        assert statuses["mlp"] == "pass"
        assert got[student].isolation == executor.level


def test_a_level_that_no_worker_reaches_is_refused_by_each(cluster, certificates, jobs):
    address, *_ = cluster
    executor = ClusterExecutor(address, security(address, *certificates), "none", "process")
    with closing(executor), pytest.raises(SandboxError, match="'none', not 'process'"):
        executor.submit(jobs[1]).result()


def test_a_client_without_certificate_is_refused(cluster):
    address, *_ = cluster
    with pytest.raises(ExecutorError, match="no scheduler answers"):
        ClusterExecutor(address.replace("tls://", "tcp://"), None, None, "process")


def test_sandboxes_stay_warm_for_the_next_class(cluster, certificates, jobs):
    address, _, *workers = cluster
    for _ in range(2):
        before = below(workers[-1])
        executor = ClusterExecutor(address, security(address, *certificates), None, "process")
        with closing(executor):
            assert executor.submit(jobs[1]).result().score == 4.0
        assert set(before) <= set(below(workers[-1]))
    assert before


def test_workers_and_a_scheduler_that_end_are_told(
    cluster, certificates, jobs, tmp_path, monkeypatch
):
    address, scheduler, *workers = cluster
    executor = ClusterExecutor(address, security(address, *certificates), None, "process")
    with closing(executor), Ledger(tmp_path / "out") as ledger:
        for worker in workers:
            sandboxes = below(worker)
            with contextlib.suppress(psutil.NoSuchProcess):
                worker.terminate()
            assert psutil.wait_procs([worker, *sandboxes], PATIENCE)[1] == []
        monkeypatch.setattr(cluster_module, "JOIN_SECONDS", 0.1)
        with pytest.raises(ExecutorError, match=r"has no workers, after 0\.1 s: start some"):
            ClusterExecutor(address, security(address, *certificates), None, "process")
        grading = grade_jobs(ledger.plan(jobs).to_do, executor, ledger)
        done = next(grading).job  # no worker is needed for it
        scheduler.kill()
        with pytest.raises(ExecutorError, match="has gone away; what is graded is kept"):
            list(grading)
        assert done not in ledger.plan(jobs).to_do


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:8786", "localhost:8786", "tcp://[::1]:8786"])
def test_on_one_machine_nothing_need_be_encrypted(address):
    assert security(address) is None


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("tcp://10.0.0.5:8786", "--tls-ca, --tls-cert and --tls-key"),
        ("grader.example.edu:8786", "--tls-ca, --tls-cert and --tls-key"),
        ("127.0.0.1.example.edu:8786", "--tls-ca, --tls-cert and --tls-key"),
        ("tls://10.0.0.5:8786", "needs --tls-ca, --tls-cert, --tls-key too"),
        ("ws://10.0.0.5:8786", "is tls://HOST:PORT, not ws://"),
    ],
)
def test_nothing_leaves_the_machine_in_the_clear(address, told):
    with pytest.raises(ExecutorError, match=re.escape(told)):
        security(address)


def test_certificates_are_looked_for_before_anything_starts(certificates, tmp_path):
    ca, cert, _ = certificates
    with pytest.raises(ExecutorError, match=r"--tls-key .*no such file"):
        security("tls://10.0.0.5:8786", ca, cert, tmp_path / "nothing")
    assert security("tls://10.0.0.5:8786", *certificates) is not None
    with pytest.raises(ExecutorError, match="is tls://HOST:PORT"):
        security("127.0.0.1:8786", *certificates)
