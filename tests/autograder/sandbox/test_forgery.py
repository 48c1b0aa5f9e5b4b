"""Whoever shares a process with the reply pipe can write to it; all they can claim is a value."""

import pytest

WRITE = """
    import os, struct, json, threading, time

    def frame(reply, kind="reply"):
        tree = {"dict": {key: {"value": value} for key, value in reply.items()}}
        header = json.dumps({"__metadata__": {"kind": kind, "tree": json.dumps(tree)}}).encode()
        return struct.pack("<QQ", 8 + len(header), len(header)) + header

    def honest(x): return x
"""


@pytest.mark.parametrize(
    "claim",
    [
        {"status": "value", "value": 1},
        {"status": "value", "value": 1, "token": "0" * 16},
        {"status": "pass", "score": 100},
        {"token": None},
        {},
    ],
    ids=str,
)
def test_a_forged_frame_is_no_answer(start, claim):
    source = f"def f(x):\n    os.write(4, frame({claim!r}))\n    return x"
    student = start(WRITE, source)
    answer = student.call("f", {"x": 5})
    assert answer.status == "invalid_output"
    assert answer.value is None
    assert student.call("honest", {"x": 6}).value == 6


@pytest.mark.parametrize("junk", ["b'x'", "b'x' * 100", "bytes(64)", "b'\\xff' * 64", "b'{}\\n'"])
def test_junk_is_no_answer(start, junk):
    student = start(WRITE, f"def f(x):\n    os.write(4, {junk})\n    return x")
    assert student.call("f", {"x": 5}, seconds=1.0).status in ("invalid_output", "timeout")
    assert student.call("honest", {"x": 6}).value == 6


def test_junk_on_every_descriptor(start):
    source = """
        def f(x):
            for fd in range(300):
                try: os.write(fd, b"junk" * 30)
                except OSError: pass
            return x
    """
    student = start(WRITE, source)
    assert student.call("f", {"x": 5}).status == "invalid_output"
    assert student.call("honest", {"x": 6}).value == 6


@pytest.mark.workers
def test_a_second_frame_is_never_the_next_answer(start):
    source = """
        def later():
            time.sleep(0.2)
            os.write(4, frame({"status": "value", "value": 99}))
        def f(x):
            threading.Thread(target=later, daemon=True).start()
            return x
        def wait(): time.sleep(0.5)
    """
    student = start(WRITE, source)
    assert student.call("f", {"x": 5}).value == 5
    assert student.call("wait", {}).status == "invalid_output"
    assert student.call("honest", {"x": 6}).value == 6


def test_bytes_that_are_there_before_the_call_end_the_process(start):
    source = """
        process = os.urandom(8).hex()
        def f(x):
            def later():
                time.sleep(0.1)
                os.write(4, frame({"status": "value", "value": 99}))
            threading.Thread(target=later, daemon=True).start()
            return process
        def which(): return process
    """
    student = start(WRITE, source)
    first = student.call("f", {"x": 5}).value
    while student._child.pipes.state() == "silent":
        pass
    assert student.call("which", {}).value != first


def test_a_process_that_ends_between_calls_is_not_the_next_ones_fault(start):
    source = """
        def f(x):
            threading.Timer(0.1, os._exit, [0]).start()
            return x
    """
    student = start(WRITE, source)
    assert student.call("f", {"x": 5}).value == 5
    while student._child.pipes.state() == "silent":
        pass
    assert student.call("honest", {"x": 6}).value == 6


def test_closing_the_pipe_is_a_crash(start):
    student = start(WRITE, "def f(x):\n    os.close(4)\n    time.sleep(30)")
    answer = student.call("f", {"x": 1}, seconds=20)
    assert (answer.status, answer.message) == ("crash", "closed the grader's pipe")


def test_not_reading_the_request_is_a_timeout(start):
    student = start(WRITE, "def f(x):\n    os.close(0); os.dup2(0, 3) if 0 else time.sleep(9)")
    assert student.call("f", {"x": [1.0] * 1000}, seconds=0.3).status == "timeout"


def test_patching_what_the_process_itself_uses(start):
    source = """
        import sys
        def f(x):
            caller = sys._getframe()
            while caller:
                caller.f_globals.update(send=lambda reply: None, encode=None, failure=None)
                caller = caller.f_back
            return x
    """
    student = start(WRITE, source)
    assert student.call("f", {"x": 1}, seconds=1.0).status in ("timeout", "crash", "value")
    assert student.call("honest", {"x": 2}).value == 2
