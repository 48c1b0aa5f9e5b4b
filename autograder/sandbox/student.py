"""A submission at work: its cells run once, then its functions are called, one at a time.

The restart rule: when the process dies, the call that was running gets the blame. The next call
starts a new process and reruns the cells, except those that killed one. An exercise may be the
cause of one restart for its own remaining cases; after that its calls are refused, while the other
exercises go on. A crash, loop or memory bomb costs that exercise alone.

Two limits bound what all restarts together cost: the cells of all processes share one budget of
time, and an exercise that writes what is no reply is not called again; the second such death ends
the submission, since nobody writes to the grader's pipe by accident.
"""

from __future__ import annotations

import contextlib
import secrets
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from autograder.frames import MAX_FRAME, FrameEndedError, HostileFrameError, encode
from autograder.sandbox import claims
from autograder.sandbox.pipes import PipeClosedError
from autograder.sandbox.program import Answer, Arguments, CellOutcome, Program, SandboxError
from autograder.values import ValueCrossingError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from autograder.sandbox.launcher import Child
    from autograder.sandbox.workers import Worker

READY_SECONDS = 30.0
ENDING_SECONDS = 1.0
RESTARTS_PER_EXERCISE = 1
MAX_KILLING_CELLS = 3
MAX_FORGERIES = 2


class Died(Exception):
    """The process ended, or was ended, before it answered."""

    def __init__(self, status: str, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message

    def answer(self) -> Answer:
        """Return this as the answer to the call."""
        return Answer(self.status, message=self.message)  # type: ignore[arg-type]


OUT_OF_TIME = Died("timeout", "the cells have taken all the time there was, in all processes")


class StudentProcess:
    """A running submission; made by `Sandbox.start`.

    Attributes:
        cells: what became of each cell.
        restarts: how often each exercise has been the cause of a new process.
        output: the beginning of what the submission printed.

    """

    def __init__(self, fork: Callable[[Program], Child | Worker], program: Program) -> None:
        self._fork, self._program = fork, program
        self._child: Child | Worker | None = None
        self._killing: set[int] = set()
        self._blame: dict[str, Died] = {}
        self._hopeless: Died | None = None
        self._forgeries = 0
        self._seconds_left = program.total_seconds
        self.restarts: Counter[str] = Counter()
        self.output = ""
        self.cells: list[CellOutcome] = []
        self._revive()

    def __enter__(self) -> StudentProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def restarts_left(self, entry: str) -> int:
        """Return how many more times this exercise may end the process and still be called."""
        death = self._blame.get(entry)
        if death and death.status == "invalid_output":
            return 0
        return RESTARTS_PER_EXERCISE - self.restarts[entry]

    def call(
        self,
        entry: str,
        inputs: Mapping[str, Any] | Arguments,
        *,
        seconds: float = 5.0,
        megabytes: int | None = None,
        seed: int = 0,
    ) -> Answer:
        """Call the submission's function `entry` on fresh copies of the inputs, in their order.

        Args:
            entry: the function's name in the submission's namespace.
            inputs: arguments by name; they are passed by position.
            seconds: wall time until the process is killed.
            megabytes: at most `Program.megabytes`, which is also the default.
            seed: where random, numpy and torch start.

        Raises:
            SandboxError: trouble of ours; the call says nothing about the student.

        """
        if death := self._not_ready(entry):
            return death.answer()
        arguments = inputs if isinstance(inputs, Arguments) else Arguments.of(inputs)
        request = {
            "entry": entry,
            "names": list(arguments.names),
            "megabytes": megabytes or self._program.megabytes,
            "seed": seed,
        }
        try:
            return claims.answer(self._ask("call", request, seconds, arguments.frame))
        except Died as death:
            self._blame[entry] = death
            return death.answer()

    def close(self) -> None:
        """End the process and all that it started."""
        if self._child is not None:
            child, self._child = self._child, None
            with contextlib.suppress(SandboxError):  # the next start will say so
                child.end()
            self._note_output(child)

    def _not_ready(self, entry: str) -> Died | None:
        """Start a new process if one is needed; return why the call cannot be made, if so."""
        death = self._blame.get(entry)
        if self._child is not None:
            # Something that an earlier call left running has spoken, or has ended the process.
            death = self._disturbance(self._child)
        if self._child is None:
            if death and self.restarts_left(entry) <= 0:
                return Died(death.status, f"not run again, it ended the process: {death.message}")
            self.restarts[entry] += death is not None
            self._revive()
        return self._hopeless

    def _disturbance(self, child: Child | Worker) -> Died | None:
        match child.pipes.state():
            case "silent":
                return None
            case "closed":
                return self._ended(child)
        return self._death("invalid_output", "wrote to the grader's pipe without being asked")

    def _revive(self) -> None:
        """Start a process and run the cells in it, without those that have killed one."""
        while self._child is None and self._hopeless is None:
            if self._seconds_left <= 0:
                self._hopeless = OUT_OF_TIME
                return
            self._child = self._fork(self._program)
            self._expect_ready(self._child)
            outcomes = self._run_cells()
            pairs = zip(self.cells, outcomes, strict=False)
            if self._child and any(now.status == "skipped" != old.status for old, now in pairs):
                self.close()
                self._hopeless = OUT_OF_TIME
            elif not self.cells or self._killing:
                self.cells = outcomes

    def _expect_ready(self, child: Child | Worker) -> None:
        try:
            reply = child.pipes.receive(time.monotonic() + READY_SECONDS, MAX_FRAME)
            if reply.value(trusted=False) == {"status": "ready"}:
                return
        except (HostileFrameError, ValueCrossingError, TimeoutError):
            pass
        self.close()
        said = self.output.strip().splitlines() or [child.server.errors()]
        raise SandboxError(f"a confined process does not start: {said[-1]}")

    def _run_cells(self) -> list[CellOutcome]:
        outcomes: list[CellOutcome] = []
        known = {outcome.index: outcome for outcome in self.cells}
        for index, source in enumerate(self._program.cells):
            if index in self._killing:
                outcomes.append(known[index])
                continue
            outcome = self._run_cell(index, source)
            outcomes.append(outcome)
            if self._child is None:
                self._killing.add(index)
                if len(self._killing) >= MAX_KILLING_CELLS:
                    self._hopeless = Died(
                        outcome.status, f"{len(self._killing)} of the cells ended the process"
                    )
                rest = range(index + 1, len(self._program.cells))
                skipped = [CellOutcome(later, "skipped", "never reached") for later in rest]
                return outcomes + [known.get(one.index, one) for one in skipped]
        return outcomes

    def _run_cell(self, index: int, source: str) -> CellOutcome:
        if self._seconds_left <= 0:
            return CellOutcome(index, "skipped", "the cells before it took all the time there was")
        request = {"index": index, "source": source, "megabytes": self._program.megabytes}
        started = time.monotonic()
        try:
            reply = self._ask("cell", request, self._program.cell_seconds)
        except ValueCrossingError as error:
            return CellOutcome(index, "error", str(error))
        except Died as death:
            status = "crash" if death.status == "invalid_output" else death.status
            return CellOutcome(index, status, death.message)  # type: ignore[arg-type]
        finally:
            self._seconds_left -= time.monotonic() - started
        status = reply["status"]
        if status not in ("ok", "error", "memory", "crash"):
            status = "error"
        return CellOutcome(index, status, claims.text(reply.get("message")))

    def _ask(
        self, kind: str, request: dict[str, Any], seconds: float, more: bytes = b""
    ) -> dict[str, Any]:
        """Send one request, with `more` behind it; return the first answer to it, or raise Died.

        What comes after the first answer is never read as another: bytes that are there before a
        request was sent were not written by `child.py`.
        """
        child = self._child
        assert child is not None, "a request without a process"
        token = secrets.token_hex(8)
        raw = encode(kind, request | {"token": token}) + more
        deadline = time.monotonic() + seconds
        try:
            if disturbance := self._disturbance(child):
                raise disturbance
            child.pipes.send(raw, deadline)
            reply = child.pipes.receive(deadline, MAX_FRAME).value(trusted=False)
        except TimeoutError:
            raise self._death("timeout", f"took longer than {seconds:g} s") from None
        except (PipeClosedError, FrameEndedError):
            raise self._ended(child) from None
        except (HostileFrameError, ValueCrossingError) as error:
            raise self._death("invalid_output", f"the reply is not one: {error}") from None
        if not isinstance(reply, dict) or reply.get("token") != token:
            raise self._death("invalid_output", "the reply does not belong to the call")
        if not isinstance(reply.get("status"), str):
            raise self._death("invalid_output", "the reply has no status")
        return reply

    def _death(self, status: str, message: str) -> Died:
        self.close()
        self._forgeries += status == "invalid_output"
        if self._forgeries >= MAX_FORGERIES:
            self._hopeless = Died(status, f"not run again, it forged replies: {message}")
        return Died(status, message)

    def _ended(self, child: Child | Worker) -> Died:
        """Find out how the process ended by itself."""
        self._child = None
        code = child.end(ENDING_SECONDS)
        self._note_output(child)
        if not child.ended_itself:
            return Died("crash", "closed the grader's pipe")
        if code == -claims.SIGXCPU:
            return Died("timeout", "used up its processor time")
        if code == -claims.SIGKILL:
            return Died("memory", "was killed, most likely for want of memory")
        if code < 0:
            return Died("crash", f"the interpreter crashed: {claims.signal_name(-code)}")
        return Died("crash", f"ended early, with exit status {code}")

    def _note_output(self, child: Child | Worker) -> None:
        self.output = bytes(child.pipes.printed).decode(errors="replace")
