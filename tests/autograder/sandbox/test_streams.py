"""Streams over a process's pipes: whatever it does, nobody waits beyond a deadline."""

import subprocess
import sys
import time

import pytest

from autograder.frames import MAX_FRAME, FrameEndedError, encode
from autograder.sandbox.pipes import MAX_OUTPUT, READ_BYTES, PipeClosedError
from autograder.sandbox.streams import MOST_UNREAD, Streams


@pytest.fixture
def run():
    processes = []

    def start(code: str) -> tuple[Streams, subprocess.Popen]:
        process = subprocess.Popen(
            [sys.executable, "-S", "-c", f"import os, sys, time\n{code}"],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        streams = Streams(process)
        processes.append((process, streams))
        return streams, process

    yield start
    for process, streams in processes:
        process.kill()
        process.wait()
        streams.close()


def soon(seconds: float = 60.0) -> float:
    return time.monotonic() + seconds


def wait_until(condition) -> None:
    while not condition():
        time.sleep(0.001)


def test_a_frame_there_and_back(run):
    streams, _ = run("while chunk := os.read(0, 1000): os.write(1, chunk)")
    assert streams.state() == "silent"
    raw = encode("there", list(range(2000)))
    for _ in range(3):
        streams.send(raw, soon())
        assert streams.receive(soon(), MAX_FRAME).value(trusted=False) == list(range(2000))


def test_bytes_that_nobody_asked_for_are_seen(run):
    streams, _ = run("os.write(1, b'junk'); time.sleep(600)")
    wait_until(lambda: streams.state() == "speaking")


def test_a_process_that_does_not_answer_is_not_waited_for(run):
    streams, _ = run("os.write(1, bytes(7)); time.sleep(600)")
    with pytest.raises(TimeoutError):
        streams.receive(soon(0.05), MAX_FRAME)


def test_a_deadline_that_has_passed_holds_for_what_has_arrived(run):
    streams, _ = run("os.write(1, bytes(8)); time.sleep(600)")
    wait_until(lambda: streams.state() == "speaking")
    with pytest.raises(TimeoutError):
        streams.receive(time.monotonic(), MAX_FRAME)


def test_a_process_that_does_not_read_is_not_waited_for(run):
    streams, process = run("time.sleep(600)")
    with pytest.raises(TimeoutError):
        streams.send(bytes(1 << 22), soon(0.05))
    process.kill()
    process.wait()
    streams.close()
    assert not streams._writer.is_alive()


def test_a_process_that_has_ended(run):
    streams, process = run("os.write(2, b'last words')")
    process.wait()
    wait_until(lambda: streams.state() == "closed")
    with pytest.raises(PipeClosedError):
        streams.send(b"x", soon())
    with pytest.raises(FrameEndedError):
        streams.receive(soon(), MAX_FRAME)
    streams.close()
    assert streams.printed == b"last words"


def test_floods_take_no_memory_and_hold_nobody_up(run):
    flood = "while True:\n    os.write({}, bytes(1 << 16))"
    replies, _ = run(flood.format(1))
    prints, _ = run(flood.format(2))
    wait_until(lambda: len(replies._unread) >= MOST_UNREAD and len(prints.printed) == MAX_OUTPUT)
    assert len(replies._unread) < MOST_UNREAD + READ_BYTES
