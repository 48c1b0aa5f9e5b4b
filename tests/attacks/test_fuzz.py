"""The frame decoder under a few thousand hostile frames, and under a fuzzer that sees branches."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import hostile
import pytest
from hypothesis import given, settings

many = settings(deadline=None, max_examples=2000)
SECONDS = 20


@many
@given(hostile.cut_and_pasted())
def test_frames_cut_and_pasted(raw):
    hostile.outcome(raw)


@many
@given(hostile.rewritten())
def test_frames_rewritten(raw):
    hostile.outcome(raw)


def test_frames_found_by_following_branches():
    if find_spec("atheris") is None:
        pytest.skip("atheris is not installed: no package of it for this Python, or no `[fuzz]`")
    fuzzer = Path(__file__).with_name("fuzz_frames.py")
    done = subprocess.run(
        [sys.executable, str(fuzzer), str(SECONDS)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "Done" in done.stderr
