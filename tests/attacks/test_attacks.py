"""Every attack, in both forms, at each level, as the user who runs this and as an ordinary one.

`make attacks` runs these; `make test` tries a few of them (`tests/autograder/test_selftest.py`).
"""

import json
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import ordinary
import pytest

from autograder.attacks import CLASSES, FORMS, every
from autograder.sandbox import LEVELS, SandboxError, levels
from autograder.selftest import PROMISED, PROMISES, Selftest, Trial

ATTACKS = every()
ROOT = Path(__file__).parents[2]
# Who tries, at which level, and whether with bubblewrap.
WAYS = {
    **{f"{level}-here": (level, "here", True) for level in reversed(LEVELS)},
    **{f"{level}-ordinary": (level, "ordinary", True) for level in reversed(LEVELS)},
    "landlock-bare": ("landlock", "here", False),
}


class Here:
    """Tries attacks one by one, in this process."""

    def __init__(self, level, stack):
        self.test = stack.enter_context(Selftest(level))

    def trial(self, attack, form):
        return self.test.trial(attack, form)


class Elsewhere:
    """Has them all tried by an ordinary user's `glassbox selftest`, once."""

    def __init__(self, level):
        run = "from autograder.cli import app; app()"
        arguments = ["selftest", "--level", level, "--json"]
        done = subprocess.run(
            ordinary.command(sys.executable, "-c", run, *arguments),
            capture_output=True,
            text=True,
            cwd=ROOT,
        )
        if done.returncode == 2:
            raise SandboxError(done.stderr.strip())
        assert done.returncode in (0, 1), done.stderr
        fields = Trial.__dataclass_fields__
        found = [
            Trial(**{name: one[name] for name in fields})
            for one in json.loads(done.stdout)["trials"]
        ]
        self.trials = {(one.attack, one.form): one for one in found}

    def trial(self, attack, form):
        return self.trials[attack.name, form]


@pytest.fixture(scope="session")
def arenas():
    """Start whoever tries the attacks, by way; a text says why there is nobody."""
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        started = {}

        def arena(way):
            if way not in started:
                level, who, with_bubblewrap = WAYS[way]
                if not with_bubblewrap:
                    patch.setattr(levels, "bubblewrap", lambda *_, **__: None)
                try:
                    started[way] = Elsewhere(level) if who == "ordinary" else Here(level, stack)
                except SandboxError as error:
                    started[way] = str(error)
                patch.undo()
            return started[way]

        yield arena


@pytest.fixture
def tried(request, arenas):
    """Try an attack in a form, in the way that the test is for."""
    way = request.param
    if WAYS[way][1] == "ordinary" and (reason := ordinary.unavailable()):
        pytest.skip(reason)
    arena = arenas(way)
    if isinstance(arena, str):
        pytest.skip(f"{way}: {arena}")
    return arena.trial


def in_ways(*ways):
    """Run a test in these ways, each by a worker of its own."""
    marked = [pytest.param(way, marks=pytest.mark.xdist_group(way), id=way) for way in ways]
    return pytest.mark.parametrize("tried", marked, indirect=True)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("attack", ATTACKS, ids=[attack.name for attack in ATTACKS])
@in_ways(*WAYS)
def test_promises_are_kept(tried, attack, form):
    trial = tried(attack, form)
    assert trial.broken == [], {**trial.found, "said": trial.message}


@pytest.mark.parametrize("attack", ATTACKS, ids=[attack.name for attack in ATTACKS])
@in_ways("none-here", "none-ordinary")
def test_attacks_are_meant_in_earnest(tried, attack):
    """Where nothing stops it, an attack gains what it says; so that elsewhere a failure counts."""
    found = {name for form in FORMS for name in tried(attack, form).found}
    assert set(attack.gains) <= found


def test_there_are_attacks_of_every_class_and_on_every_promise():
    assert len(ATTACKS) >= 90
    assert {attack.kind for attack in ATTACKS} == set(CLASSES)
    gained = {name for attack in ATTACKS for name in attack.gains}
    assert gained == {"mark", "read", "write", "contact", "hold", "left"}


def test_what_is_promised_where():
    assert set(PROMISED["namespaces"]) == set(PROMISED["landlock"]) == set(PROMISES)
    assert set(PROMISED["process"]) == set(PROMISED["none"]) == {"claim", "output"}
