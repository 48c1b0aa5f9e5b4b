"""The grader's side of a worker's standard streams: nothing here waits beyond a deadline.

It offers what `pipes.Pipes` does. That one polls its pipes, which Windows cannot; here a thread
reads each, and whoever waits for bytes waits for the thread.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from io import RawIOBase
from subprocess import Popen
from typing import Any

from autograder.frames import Frame, read_frame
from autograder.sandbox.pipes import MAX_OUTPUT, READ_BYTES, PipeClosedError

MOST_UNREAD = 4 << 20
LAST_SECONDS = 1.0


class Streams:
    """Requests go to a process's stdin, replies come from its stdout, prints from its stderr."""

    def __init__(self, process: Popen[bytes]) -> None:
        """Start to read; the process must have been opened with three pipes and no buffers."""
        self.printed = bytearray()
        self._unread = bytearray()
        self._change = threading.Condition()
        self._ended = self._closing = False
        self._requests: Any = process.stdin
        self._writer: threading.Thread | None = None
        self._readers = [
            _start(self._take_replies, process.stdout),
            _start(self._take_output, process.stderr),
        ]

    def close(self) -> None:
        """Let go of the streams of a process that has ended, after reading what it printed last.

        A thread that still waits, because something else holds the other end, keeps its stream.
        """
        with self._change:
            self._closing = True
            self._change.notify_all()
        threads = [*self._readers, self._writer] if self._writer else self._readers
        deadline = time.monotonic() + LAST_SECONDS
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        if self._writer is None or not self._writer.is_alive():
            self._requests.close()

    def state(self) -> str:
        """Return `silent`, `closed`, or `speaking` when there are bytes that nobody asked for."""
        with self._change:
            return "speaking" if self._unread else "closed" if self._ended else "silent"

    def send(self, raw: bytes, deadline: float) -> None:
        """Write a frame. A process that has not read it by the deadline is of no more use.

        Raises:
            TimeoutError: the deadline (on `time.monotonic`) passed.
            PipeClosedError: there is nobody to read it.

        """
        failures: list[OSError] = []

        def write() -> None:
            left = memoryview(raw)
            try:
                while left:
                    left = left[self._requests.write(left) :]
            except OSError as error:
                failures.append(error)

        self._writer = _start(write)
        self._writer.join(max(0.0, deadline - time.monotonic()))
        if self._writer.is_alive():
            raise TimeoutError
        if failures:
            raise PipeClosedError from failures[0]

    def receive(self, deadline: float, limit: int) -> Frame:
        """Read a frame; TimeoutError past the deadline, else what `read_frame` raises."""

        def read(count: int) -> bytes:
            with self._change:
                left = deadline - time.monotonic()
                if left <= 0 or not self._change.wait_for(self._is_readable, left):
                    raise TimeoutError
                chunk = bytes(self._unread[:count])
                del self._unread[:count]
                self._change.notify_all()
                return chunk

        return read_frame(read, limit)

    def _is_readable(self) -> bool:
        return bool(self._unread) or self._ended

    def _has_room(self) -> bool:
        return len(self._unread) < MOST_UNREAD or self._closing

    def _take_replies(self, stream: RawIOBase) -> None:
        with stream:
            while chunk := stream.read(READ_BYTES):
                with self._change:
                    self._change.wait_for(self._has_room)
                    self._unread += b"" if self._closing else chunk
                    self._change.notify_all()
        with self._change:
            self._ended = True
            self._change.notify_all()

    def _take_output(self, stream: RawIOBase) -> None:
        with stream:
            while chunk := stream.read(READ_BYTES):
                self.printed += chunk[: MAX_OUTPUT - len(self.printed)]


def _start(work: Callable[..., None], *arguments: Any) -> threading.Thread:
    thread = threading.Thread(target=work, args=arguments, daemon=True)
    thread.start()
    return thread
