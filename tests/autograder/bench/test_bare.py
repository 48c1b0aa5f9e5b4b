"""Bare code in a warm process: timed, fed with the same inputs, and harmless when it fails."""

import pytest
import torch

from autograder.bench.bare import Call, WarmProcess, Work

SLOW = "import time\n\ndef wait(x):\n    time.sleep(0.2 if x.sum() == 6 else 0)"


@pytest.fixture(scope="module")
def warm():
    with WarmProcess() as process:
        yield process


def test_cells_and_calls_are_timed_one_by_one(warm):
    calls = (Call("wait", {"x": torch.ones(2)}), Call("wait", {"x": torch.full((3,), 2.0)}))
    cost = warm.run(Work((SLOW, "time.sleep(0.1)"), calls))
    assert cost.cells[0] < 0.1 <= cost.cells[1]
    assert cost.calls[0] < 0.2 <= cost.calls[1]
    assert cost.seconds == pytest.approx(sum(cost.cells) + sum(cost.calls))


def test_what_fails_stops_nothing_and_nothing_is_left_for_the_next(warm):
    first = warm.run(Work(("left = 1", "1 / 0", "def f(x): return left"), (Call("f", {"x": 1}),)))
    assert len(first.cells) == 3
    cost = warm.run(Work(("import time\nif 'left' in globals(): time.sleep(0.2)",), ()))
    assert cost.seconds < 0.2


def test_a_notebook_may_import_the_lab(warm):
    cell = (
        "import time\nfrom autograder import lab\ncheck, hint = lab('x')\ncheck(1)\ntime.sleep(0.1)"
    )
    assert warm.run(Work((cell,), ())).cells[0] >= 0.1
