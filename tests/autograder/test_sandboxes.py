"""Sandboxes are lent one at a time, replaced when asked, and all end."""

import pytest

from autograder import sandboxes as module
from autograder.sandbox import SandboxError
from autograder.sandboxes import Sandboxes


class Fake:
    """Stands for a fork server; the list says which of them do not start."""

    made: list["Fake"]
    failing: set[int]
    level = "landlock"
    reasons = ()

    def __init__(self, _isolation):
        place = len(Fake.made)
        Fake.made.append(self)
        self.open = place not in Fake.failing
        if not self.open:
            raise SandboxError(f"number {place + 1} fails")

    def close(self):
        self.open = False


@pytest.fixture(autouse=True)
def fake(monkeypatch):
    Fake.made, Fake.failing = [], set()
    monkeypatch.setattr(module, "Sandbox", Fake)


def test_sandboxes_that_cannot_start_leave_none_behind():
    Fake.failing = {1}
    with pytest.raises(SandboxError, match="number 2 fails"):
        Sandboxes(2)
    assert not any(one.open for one in Fake.made)


def test_a_fresh_one_takes_the_place_of_the_old():
    with Sandboxes(1) as sandboxes:
        with sandboxes.lent() as first:
            pass
        with sandboxes.lent(fresh=True) as second:
            assert not first.open
            assert second.open
        with sandboxes.lent() as third:
            assert third is second
    assert not second.open


def test_a_place_whose_sandbox_does_not_start_is_tried_again_by_the_next():
    with Sandboxes(1) as sandboxes:
        Fake.failing = {1}
        with pytest.raises(SandboxError, match="number 2 fails"), sandboxes.lent(fresh=True):
            pass
        with sandboxes.lent() as other:
            assert other is Fake.made[2]


def test_a_new_one_that_confines_less_is_refused(monkeypatch):
    with Sandboxes(1) as sandboxes:
        monkeypatch.setattr(Fake, "level", "process")
        with (
            pytest.raises(SandboxError, match="reaches 'process' only, the others have 'landlock'"),
            sandboxes.lent(fresh=True),
        ):
            pass
    assert not any(one.open for one in Fake.made)
