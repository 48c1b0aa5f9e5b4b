"""The grader's side of a student's pipes: nothing here waits beyond a deadline.

What the student prints is read all the while, so that printing never blocks, and all but its
beginning is thrown away.
"""

from __future__ import annotations

import contextlib
import os
import select
import time

from autograder.frames import Frame, read_frame

MAX_OUTPUT = 64 << 10
PIPE_BYTES = 1 << 20
READ_BYTES = 1 << 16


class PipeClosedError(Exception):
    """The other end of a pipe is gone."""


class Pipes:
    """Three pipes: requests to the student, replies from it, and what it prints."""

    def __init__(self) -> None:
        import fcntl  # on Windows there is none, and `streams` does without

        self._ends: list[int] = []
        try:
            for _ in range(3):
                self._ends += os.pipe()
        except OSError:
            self.close()
            raise
        theirs_in, self._requests, self._replies, theirs_out, self._output, theirs_print = (
            self._ends
        )
        self.theirs = (theirs_in, theirs_out, theirs_print)
        for end in (self._requests, self._replies, self._output):
            os.set_blocking(end, False)
        for end in (self._requests, theirs_out):
            with contextlib.suppress(OSError):  # only a matter of speed
                fcntl.fcntl(end, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        self.printed = bytearray()
        self._listening = True

    def give_theirs(self) -> None:
        """Close the student's ends here, once they have been sent."""
        for end in self.theirs:
            self._close(end)

    def close(self) -> None:
        """Close what is still open, after reading what was printed last."""
        if hasattr(self, "_listening"):
            self._drain()
        for end in list(self._ends):
            self._close(end)

    def state(self) -> str:
        """Return `silent`, `closed`, or `speaking` when there are bytes that nobody asked for."""
        poll = select.poll()
        poll.register(self._replies, select.POLLIN)
        events = dict(poll.poll(0)).get(self._replies, 0)
        return "speaking" if events & select.POLLIN else "closed" if events else "silent"

    def send(self, raw: bytes, deadline: float) -> None:
        """Write a frame.

        Raises:
            TimeoutError: the deadline (on `time.monotonic`) passed.
            PipeClosedError: there is nobody to read it.

        """
        left = memoryview(raw)
        while left:
            self._wait(self._requests, select.POLLOUT, deadline)
            try:
                left = left[os.write(self._requests, left[:READ_BYTES]) :]
            except BlockingIOError:
                continue
            except BrokenPipeError as error:
                raise PipeClosedError from error

    def receive(self, deadline: float, limit: int) -> Frame:
        """Read a frame; TimeoutError past the deadline, else what `read_frame` raises."""

        def read(count: int) -> bytes:
            while True:
                self._wait(self._replies, select.POLLIN, deadline)
                try:
                    return os.read(self._replies, count)
                except BlockingIOError:
                    continue

        return read_frame(read, limit)

    def _wait(self, end: int, event: int, deadline: float) -> None:
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            poll = select.poll()
            poll.register(end, event)
            if self._listening:
                poll.register(self._output, select.POLLIN)
            ready = dict(poll.poll(left * 1000))
            if self._output in ready:
                self._drain()
            if end in ready:
                return

    def _drain(self) -> None:
        """Read what there is, at most as much as a pipe holds, so that a flood cannot keep us."""
        for _ in range(PIPE_BYTES // READ_BYTES):
            try:
                chunk = os.read(self._output, READ_BYTES)
            except OSError:
                return
            if not chunk:
                self._listening = False
                return
            self.printed += chunk[: MAX_OUTPUT - len(self.printed)]

    def _close(self, end: int) -> None:
        if end in self._ends:
            self._ends.remove(end)
            os.close(end)
