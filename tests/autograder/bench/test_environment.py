"""The peers' environment: made once, refused where it cannot be made."""

import re

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


def test_libraries_have_an_environment_that_follows_their_requirements(clone):
    folder, run = clone
    file = folder / environment.TESTS / "general" / "requirements.txt"
    file.parent.mkdir(parents=True)
    file.write_text("captum==0.9.0")
    for _ in range(2):
        environment.python_of(folder / "peers", environment.libraries("general"))
    asked = ["-c", "constraints.txt", "-r", "tests/peers/general/requirements.txt", "pytest"]
    assert run[-1][-7:] == [*asked, "-e", "."]
    made = len(run)
    file.write_text("captum==0.9.1")
    environment.python_of(folder / "peers", environment.libraries("general"))
    assert len(run) == 2 * made


def test_every_folder_of_peers_says_exactly_what_it_needs():
    files = sorted((environment.CLONE / environment.TESTS).glob("*/requirements.txt"))
    assert [file.parent.name for file in files] == [
        "general",
        "sae_lens",
        "transformer_lens_3",
        "transformer_lens_4",
    ]
    lines = [line for file in files for line in file.read_text().splitlines()]
    assert all(re.fullmatch(r"[a-z-]+==[0-9.]+", line) for line in lines)


def test_without_a_clone_it_says_so(clone):
    folder, _ = clone
    (folder / "constraints.txt").unlink()
    with pytest.raises(environment.BenchError, match=r"no .*constraints\.txt.* from a clone"):
        environment.python_of(folder / "peers")


def test_an_installation_that_fails_says_why(tmp_path, monkeypatch):
    monkeypatch.setattr(environment, "CLONE", tmp_path)
    with pytest.raises(environment.BenchError, match=r"peers' environment: no-such"):
        environment._run(["/bin/sh", "-c", "echo no-such-package >&2; exit 1"])
