"""The peers' environment: made once, refused where it cannot be made."""

import pytest

from autograder.bench import environment


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """Stand in for a clone, with a note of what would be run."""
    (tmp_path / "constraints.txt").write_text("otter-grader==7.0.0\n")
    project = (
        '[project]\ndependencies = []\n[project.optional-dependencies]\npeers = ["otter-grader"]'
    )
    (tmp_path / "pyproject.toml").write_text(project)
    run = []

    def make(command):
        run.append(command)
        (tmp_path / "peers" / "bin").mkdir(parents=True, exist_ok=True)
        (tmp_path / "peers" / "bin" / "python").touch()

    monkeypatch.setattr(environment, "CLONE", tmp_path)
    monkeypatch.setattr(environment, "_run", make)
    return tmp_path, run


def test_it_is_made_under_the_constraints_once(clone):
    folder, run = clone
    python = environment.python_of(folder / "peers")
    assert python == folder / "peers" / "bin" / "python"
    assert run[-1][-4:] == ["-c", "constraints.txt", "-e", ".[peers]"]
    made = len(run)
    environment.python_of(folder / "peers")
    assert len(run) == made


def test_it_is_made_again_when_what_is_wanted_changes(clone):
    folder, run = clone
    environment.python_of(folder / "peers")
    made = len(run)
    (folder / "constraints.txt").write_text("otter-grader==7.0.1\n")
    environment.python_of(folder / "peers")
    assert len(run) == 2 * made


def test_without_a_clone_it_says_so(clone):
    folder, _ = clone
    (folder / "constraints.txt").unlink()
    with pytest.raises(environment.BenchError, match=r"no .*constraints\.txt.* from a clone"):
        environment.python_of(folder / "peers")


def test_an_installation_that_fails_says_why(tmp_path, monkeypatch):
    monkeypatch.setattr(environment, "CLONE", tmp_path)
    with pytest.raises(environment.BenchError, match=r"peers' environment: no-such"):
        environment._run(["/bin/sh", "-c", "echo no-such-package >&2; exit 1"])
