"""The selftest notices what an attack gains; a few attacks, for `make attacks` runs them all."""

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from autograder import selftest
from autograder.attacks import FORMS, Attack, AttackError, named
from autograder.bait import Bait
from autograder.cli import app
from autograder.leftovers import differences
from autograder.sandbox import probe
from autograder.selftest import PROMISED, PROMISES, Selftest

SMOKE = ("read_bank", "forge_score", "hold_by_file_owner")


def glassbox(*arguments):
    return CliRunner().invoke(app, ["selftest", *arguments], catch_exceptions=False)


@pytest.fixture(scope="module")
def best():
    if probe().level not in ("namespaces", "landlock"):
        pytest.skip("; ".join(probe().reasons))
    with Selftest(probe().level) as test:
        yield test


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", SMOKE)
def test_a_few_attacks_gain_nothing(best, name, form):
    trial = best.trial(named([name])[0], form)
    assert trial.found == {}, trial.message


class TestCommand:
    def test_what_is_not_promised_is_told_apart_from_what_is_broken(self, monkeypatch):
        ran = glassbox("read_bank", "--level", "process", "--json")
        report = json.loads(ran.stdout)
        assert (ran.exit_code, report["ok"]) == (0, True)
        assert [trial["open"] for trial in report["trials"]] == [["mark", "read"]] * 2
        monkeypatch.setitem(PROMISED, "process", tuple(PROMISES))
        ran = glassbox("read_bank", "--level", "process")
        assert ran.exit_code == 1
        assert "BROKEN: mark" in ran.stdout
        assert "broken at process: read_bank (function): mark: " in ran.stdout

    @pytest.mark.parametrize("arguments", [["read_banc"], ["--level", "airtight"]])
    def test_what_there_is_not(self, arguments):
        ran = glassbox(*arguments)
        assert ran.exit_code == 2
        assert arguments[-1] in ran.stderr


class TestAttackFiles:
    def test_both_forms_hold_the_same_attack(self, tmp_path):
        attack = named(["forge_score"])[0]
        for form in FORMS:
            text = attack.write(form, {"token": "t"}, tmp_path).read_text()
            assert "os.write(4, forged(" in text
            assert "def previous_token_score(*inputs)" in text

    def test_a_file_that_does_not_say_what_it_is(self, tmp_path):
        path = tmp_path / "attack.py"
        path.write_text('"""Try."""\n\nCLASS = "unheard of"\nGAINS = ()\n')
        with pytest.raises(AttackError, match="known CLASS"):
            Attack.read(path)


@pytest.fixture(scope="module")
def bait():
    one = Bait("m3_induction", {"answers": []}, "x = 1\n")
    yield one
    one.close()


class TestBait:
    def test_nothing_is_seen_where_nothing_happens(self, bait):
        assert bait.written() == bait.contacted() == bait.held() == []
        assert bait.read("nothing to see") == []

    def test_what_is_read(self, bait):
        text = Path(bait.known["bank"]).read_text()
        spec = Path(bait.known["real"]["spec"])
        told = f"{text} {spec.name}={spec.read_bytes()[-6:].hex()}"
        assert bait.read(told) == ["bank", "spec"]
        assert not any(canary in repr(bait.known) for canary in bait.canaries.values())

    @pytest.mark.parametrize(
        "change",
        [
            lambda known: Path(known["drop"], "made").touch(),
            lambda known: Path(known["bank"]).write_text("x"),
            lambda known: Path(known["gradebook"]).unlink(),
            lambda known: os.utime(known["ada"], (0, 0)),
            lambda known: Path(known["ada"]).chmod(0o600),
            lambda known: Path(known["places"][0], f"{known['token']}.txt").touch(),
        ],
    )
    def test_what_is_written_is_told_once_and_put_right(self, bait, change):
        change(bait.known)
        assert bait.written()
        assert bait.written() == []
        assert "canary" in Path(bait.known["bank"]).read_text()

    def test_who_is_contacted(self, bait):
        import socket

        socket.create_connection(bait.known["tcp"]).close()
        assert bait.contacted() == ["tcp"]

    def test_who_is_held(self, bait):
        os.kill(bait.known["bystander"], 15)
        while not bait.held():
            pass
        os.setpriority(os.PRIO_PROCESS, bait.known["bystander"], 5)
        assert bait.held() == ["a process's priority, limits or tracer were changed"]
        assert bait.held() == []


def test_what_is_left():
    before = {"server": 1, "processes": [], "memory of the server": 10.0, "mounts": None}
    after = {"server": 1, "processes": [7], "memory of the server": 90.0, "mounts": "x"}
    assert differences(before, after) == [
        "memory of the server grew by 80 MiB",
        "processes: [] before, [7] after",
    ]
    assert differences(before, {**after, "server": 2})[0].startswith("processes")


def test_no_promise_is_left_without_a_level():
    assert set(PROMISED) == {"namespaces", "landlock", "process", "none"}
    assert "none" not in selftest.BY_DEFAULT
