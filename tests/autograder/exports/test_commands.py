"""`glassbox export` for CI and platforms: what it writes and says, and one line for mistakes."""

from pathlib import Path
from xml.etree import ElementTree

import graded
import pytest
from typer.testing import CliRunner

from autograder.cli import app

SECRET = Path(__file__).resolve().parents[2] / "data/course-secret.txt"
LAB = "m0_toy_transformer"


def export(*arguments):
    return CliRunner().invoke(app, ["export", *map(str, arguments)], catch_exceptions=False)


def test_junit_of_a_graded_class(tmp_path):
    graded.write_class([graded.graded(name, ["pass"]) for name in ("ada", "bob")], tmp_path)
    ran = export("junit", tmp_path, "--out", tmp_path / "junit.xml")
    assert ran.exit_code == 0, ran.output
    assert "2 submissions" in ran.stdout
    assert len(ElementTree.parse(tmp_path / "junit.xml").getroot()) == 2


def test_gradescope_says_what_its_image_needs(tmp_path):
    ran = export("gradescope", LAB, "--secret", SECRET, "--out", tmp_path / "autograder.zip")
    assert ran.exit_code == 0, ran.output
    assert (tmp_path / "autograder.zip").exists()
    assert "1.5 GB" in ran.stdout


@pytest.mark.parametrize("command", ["classroom50", "otter"])
def test_files_of_one_lab(command, tmp_path):
    ran = export(command, LAB, "--out", tmp_path)
    assert ran.exit_code == 0, ran.output
    assert list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["junit", "no_such_folder"], "no_such_folder"),
        (["gradescope", "m3_inducton", "--secret", SECRET], "m3_inducton"),
        (["gradescope", LAB, "--secret", "no_such_secret"], "no_such_secret"),
        (["classroom50", "m3_inducton"], "did you mean 'm3_induction'"),
        (["otter", "m3_inducton"], "did you mean 'm3_induction'"),
    ],
)
def test_mistakes_end_in_one_line_and_write_nothing(arguments, told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ran = export(*arguments)
    assert ran.exit_code == 2
    assert ran.stderr.startswith("glassbox: ")
    assert told in ran.stderr
    assert len(ran.stderr.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []
