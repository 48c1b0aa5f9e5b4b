"""Grade on the workers of a `dask.distributed` scheduler: `glassbox grade --scheduler ADDRESS`.

A worker runs the grader's own code, and under it fork servers of its own for the students': a
plugin keeps them, for as long as the worker lives. Dask's processes pickle what they tell each
other. That is acceptable because no student's code runs in any of them: what comes back from a
student has been read and judged as frames before, and what goes back to the ledger is a result's
JSON. It also means that whoever can talk to a scheduler can run code on its workers. So TLS, with
certificates on both sides, is required wherever the traffic leaves the machine.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import CancelledError, Future
from ipaddress import ip_address
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import torch

from autograder.batch import infrastructure, unreadable
from autograder.executors import ExecutorError
from autograder.executors.parcel import Parcel, pack
from autograder.jobs import Job
from autograder.opening import MAX_BYTES, SubmissionError
from autograder.results import Result, own_version
from autograder.sandbox import LEVELS, SandboxError, require_reached
from autograder.sandboxes import Sandboxes

try:
    from dask import config
    from distributed import Client, Security, WorkerPlugin, get_worker
except ImportError as error:
    raise ExecutorError(
        "--scheduler needs dask.distributed: pip install 'glassbox-course[cluster]'"
    ) from error

CONNECT_SECONDS = 15
JOIN_SECONDS = 120
# Dask warns of large arguments; a parcel is a submission and its cases.
MAX_PARCEL = 2 * MAX_BYTES


def security(
    address: str, ca: Path | None = None, cert: Path | None = None, key: Path | None = None
) -> Security | None:
    """Return how to talk to a scheduler: by TLS, or in the clear on this machine alone.

    Raises:
        ExecutorError: the traffic would leave the machine in the clear, or a file is missing.

    """
    scheme, host = _scheme_and_host(address)
    files = {"--tls-ca": ca, "--tls-cert": cert, "--tls-key": key}
    if scheme == "tcp" and not any(files.values()):
        if _is_loopback(host):
            return None
        raise ExecutorError(
            f"the scheduler {address} is on another machine and tcp:// is not encrypted: start it "
            "and its workers with TLS, and give tls://HOST:PORT, --tls-ca, --tls-cert and --tls-key"
        )
    if scheme != "tls":
        raise ExecutorError(f"the scheduler's address is tls://HOST:PORT, not {address}")
    missing = [option for option, path in files.items() if path is None]
    if missing:
        raise ExecutorError(f"{address} needs {', '.join(missing)} too")
    for option, path in files.items():
        if path and not path.is_file():
            raise ExecutorError(f"{option} {path}: there is no such file")
    return Security(
        tls_ca_file=str(ca),
        tls_client_cert=str(cert),
        tls_client_key=str(key),
        require_encryption=True,
    )


def _scheme_and_host(address: str) -> tuple[str, str]:
    parts = urlsplit(address if "://" in address else f"tcp://{address}")
    return parts.scheme, parts.hostname or ""


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


class ClusterExecutor:
    """The workers of a scheduler; see `Executor`. Workers may come and go at any time."""

    def __init__(
        self, address: str, tls: Security | None, isolation: str | None, minimum: str
    ) -> None:
        """Connect, and start the sandboxes of the workers that are there.

        Raises:
            ExecutorError: there is no scheduler, nobody works for it, or a worker of it talks in
                the clear over a network.
            SandboxError: a worker cannot start a sandbox.

        """
        self._address, self._minimum = address, minimum
        self._plugin = SandboxPlugin(isolation)
        try:
            self._client = Client(
                address, security=tls, timeout=CONNECT_SECONDS, set_as_default=False
            )
        except (OSError, TimeoutError) as error:
            raise ExecutorError(f"no scheduler answers at {address}: {error}") from error
        try:
            self.level, self.reasons = self._prepare()
        except BaseException:
            self.close()
            raise
        self._pool = self._client.get_executor(pure=False)

    def _prepare(self) -> tuple[str, list[str]]:
        try:
            self._client.wait_for_workers(1, timeout=JOIN_SECONDS)
        except TimeoutError:
            raise ExecutorError(
                f"{self._address} has no workers, after {JOIN_SECONDS} s: start some with "
                f"`dask worker {self._address}`"
            ) from None
        workers = self._threads()
        for worker in workers:
            scheme, host = _scheme_and_host(worker)
            if scheme != "tls" and not _is_loopback(host):
                raise ExecutorError(
                    f"the worker {worker} of {self._address} is not encrypted: start it with TLS"
                )
        try:
            self._client.register_plugin(self._plugin)
            asked = {
                worker: self._client.submit(reach, self._plugin.name, workers=worker, pure=False)
                for worker in workers
            }
            reached = {worker: one.result() for worker, one in asked.items()}
        except SandboxError:
            raise
        except Exception as error:  # a package that is missing there, a worker that was lost
            raise ExecutorError(f"the workers of {self._address} fail: {error!r}") from error
        worker, (level, reasons) = min(reached.items(), key=lambda one: LEVELS.index(one[1][0]))
        return level, [f"on the worker {worker}: {reason}" for reason in reasons]

    @property
    def places(self) -> int:
        """How many jobs are graded at once, by the workers that are there now."""
        return max(1, sum(self._threads().values()))

    def _threads(self) -> dict[str, int]:
        try:
            return cast(dict, self._client.nthreads())
        except Exception as error:  # dask has many for a connection that is lost
            raise self._gone() from error

    def submit(self, job: Job, *, fresh: bool = False) -> Future[Result]:
        """Grade a job on a worker; one that no code is run for, here."""
        future: Future[Result] = Future()
        if job.file_sha256 is None:
            future.set_result(unreadable(job.found, job.papers))
            return future
        try:
            parcel = pack(job)
        except SubmissionError as error:  # it was there when its hash was taken
            future.set_result(infrastructure(job.found, job.papers, str(error)))
            return future
        try:
            with config.set({"distributed.admin.large-graph-warning-threshold": MAX_PARCEL}):
                sent = self._pool.submit(
                    grade_parcel, self._plugin.name, parcel, self._minimum, fresh
                )
        except Exception as error:
            raise self._gone() from error
        sent.add_done_callback(lambda sent: self._receive(sent, future))
        return future

    def close(self) -> None:
        """Leave the scheduler; what was not finished is cancelled, the workers stay."""
        self._client.close()

    def _receive(self, sent: Future[str], future: Future[Result]) -> None:
        try:
            future.set_result(Result.model_validate_json(sent.result()))
        except CancelledError:
            future.set_exception(self._gone())
        except Exception as error:
            future.set_exception(error)

    def _gone(self) -> ExecutorError:
        return ExecutorError(
            f"the scheduler {self._address} has gone away; what is graded is kept: start it again, "
            "then grade again to go on"
        )


class SandboxPlugin(WorkerPlugin):
    """The fork servers of a worker: one for each of its threads, started when first needed.

    They outlive the class that they were started for: the next finds them warm. They end with
    their worker, however it ends.
    """

    idempotent = True

    def __init__(self, isolation: str | None) -> None:
        self._isolation = isolation
        self.name = f"glassbox-{own_version()}-{isolation or 'best'}"

    def setup(self, worker: Any) -> None:
        """Get ready; nothing is started yet, for this is the worker's event loop."""
        torch.set_num_threads(1)
        self._threads = worker.state.nthreads
        self._starting = threading.Lock()
        self._sandboxes: Sandboxes | None = None

    @property
    def sandboxes(self) -> Sandboxes:
        """The worker's sandboxes; raise SandboxError when they do not start."""
        with self._starting:
            if self._sandboxes is None:
                self._sandboxes = Sandboxes(self._threads, self._isolation)
            return self._sandboxes

    async def teardown(self, worker: Any) -> None:  # noqa: ARG002
        """End them with the worker."""
        if self._sandboxes is not None:
            await asyncio.to_thread(self._sandboxes.close)


def reach(plugin: str) -> tuple[str, list[str]]:
    """Return, on a worker, the level that its sandboxes have, and why not a better one."""
    sandboxes = get_worker().plugins[plugin].sandboxes  # type: ignore[attr-defined]
    return sandboxes.level, sandboxes.reasons


def grade_parcel(plugin: str, parcel: Parcel, minimum: str, fresh: bool) -> str:
    """Grade a submission on a worker and return its result as JSON."""
    sandboxes = get_worker().plugins[plugin].sandboxes  # type: ignore[attr-defined]
    require_reached(sandboxes.level, sandboxes.reasons, minimum=minimum)
    parcel.check_rules()
    with sandboxes.lent(fresh=fresh) as sandbox:
        return parcel.grade(sandbox).to_json()
