"""The README is short, begins with its two commands, and its code runs."""

import re
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
from typer.testing import CliRunner

from autograder.cli import app

TEXT = (Path(__file__).resolve().parents[1] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", TEXT, flags=re.DOTALL)


def test_it_is_short_and_begins_with_two_commands():
    assert TEXT.count("\n") <= 150
    first = [line.split("#")[0].strip() for line in BLOCKS[0][1].strip().splitlines()]
    assert first == ["make demo", "make lab"]
    assert TEXT.index("```") < 20


def test_its_python_runs():
    sources = [source for language, source in BLOCKS if language == "python"]
    assert sources
    for source in sources:
        exec(source, {})
    assert plt.get_fignums()
    plt.close("all")


COMMANDS = sorted(set(re.findall(r"^glassbox (\w+)", TEXT, flags=re.MULTILINE)))


@pytest.mark.parametrize("command", COMMANDS)
def test_its_commands_exist(command):
    assert CliRunner().invoke(app, [command, "--help"]).exit_code == 0


def test_it_shows_what_check_prints(capsys, monkeypatch):
    from autograder import lab

    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    check, _ = lab("m3_induction")

    def induction_score(pattern, period):
        return pattern.diagonal(-period, dim1=-2, dim2=-1)[..., -period:].mean((0, -1))

    check(induction_score)
    shown = next(source for _, source in BLOCKS if source.startswith("Not yet:"))
    assert capsys.readouterr().out.startswith(shown)
