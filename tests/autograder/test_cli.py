"""The command line: what it prints, its exit statuses, and one line for what a user can mend."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from autograder.cli import app
from autograder.sandbox import probe

ROOT = Path(__file__).resolve().parents[2]
SECRET = ["--secret", str(ROOT / "tests/data/course-secret.txt")]


def glassbox(*arguments):
    return CliRunner().invoke(app, [*map(str, arguments)], catch_exceptions=False)


def refused(*arguments):
    """Run a command that must end with status 2 and one line on stderr."""
    ran = glassbox(*arguments)
    assert ran.exit_code == 2, ran.output
    lines = ran.stderr.strip().splitlines()
    assert lines[0].startswith("glassbox: ")
    assert "Traceback" not in ran.output
    return " ".join(lines)


def test_list_json_has_the_fields_that_others_read():
    rows = json.loads(glassbox("list", "--json").stdout)
    assert len(rows) >= 15
    for row in rows:
        assert list(row) == [
            "id",
            "lab",
            "module",
            "title",
            "points",
            "minutes",
            "difficulty",
            "hints",
            "misconceptions",
            "margin",
            "model",
            "withheld",
        ]
        assert len(row["hints"]) == 3
        assert len(row["misconceptions"]) >= 4
        assert row["margin"] == "exact" or row["margin"] >= 30


def test_list_prints_a_table():
    assert "induction_score" in glassbox("list").stdout


def test_doctor_says_what_was_found_by_trying():
    facts = json.loads(glassbox("doctor", "--json").stdout)
    assert list(facts) == ["python", "packages", "cores", "isolation", "reasons"]
    assert facts["isolation"] == probe().level
    assert facts["packages"]["torch"] != "missing"
    assert facts["isolation"] in glassbox("doctor").stdout


def test_hint_shows_one_of_three():
    assert "Hint 2 of 3" in glassbox("hint", "m3_induction/induction_score", "--number", 2).stdout
    assert "did you mean 'induction_score'" in refused("hint", "m3_induction/inducton_score")
    assert "there is no lab 'm3'" in refused("hint", "m3/induction_score")


def test_check_reports_every_exercise_of_a_file(tmp_path):
    solved = glassbox("check", ROOT / "solutions/m0_toy_transformer.py")
    assert solved.exit_code == 0, solved.output
    assert "8 of 8 exercises pass" in solved.stdout
    blank = glassbox("check", ROOT / "exercises/m0_toy_transformer.ipynb")
    assert blank.exit_code == 1
    assert blank.stdout.count("Not started") == 8
    assert "no_such_file.py" in refused("check", tmp_path / "no_such_file.py")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["grade", "no_such_folder"], "no_such_folder"),
        (["grade", "{file}", "--lab", "m3_inducton"], "did you mean 'm3_induction'"),
        (["grade", "{file}", "--secret", "no_such_secret"], "no_such_secret"),
        (["grade", "{file}", "--min-isolation", "vault"], "vault"),
        (["grade", "{file}", "--lab", "m3_induction", "--pattern", "("], "pattern"),
        (["release", "m3_inducton"], "m3_inducton"),
        (["check", "{folder}"], ""),
        (["build", "no_such_lab"], "no_such_lab"),
        (["record", "no_such_lab"], "no_such_lab"),
        (["zoo", "train", "no_such_model"], "no_such_model"),
    ],
)
def test_bad_arguments_end_in_one_line_and_write_nothing(arguments, told, tmp_path, monkeypatch):
    folder = tmp_path / "empty"
    folder.mkdir()
    file = tmp_path / "m3_induction.py"
    file.write_text("pass\n")
    monkeypatch.chdir(folder)
    filled = [argument.format(file=file, folder=folder) for argument in arguments]
    assert told in refused(*filled)
    assert list(folder.iterdir()) == []


def test_one_bad_submission_does_not_stop_the_others(tmp_path):
    submissions = tmp_path / "class"
    submissions.mkdir()
    (submissions / "good.py").write_bytes((ROOT / "solutions/m0_toy_transformer.py").read_bytes())
    (submissions / "word.ipynb").write_text("not a notebook")
    (submissions / "locked.ipynb").symlink_to(tmp_path / "nowhere")
    out = tmp_path / "out"
    ran = glassbox("grade", submissions, "--lab", "m0_toy_transformer", "--out", out, *SECRET)
    assert ran.exit_code == 0, ran.output
    statuses = {
        path.name.partition("--")[0]: json.loads(path.read_text())["status"]
        for path in (out / "results").iterdir()
    }
    assert statuses == {"good": "graded", "word": "unreadable", "locked": "unreadable"}
    rows = (out / "grades.csv").read_text().splitlines()
    assert '"good","m0_toy_transformer","mlp","pass",2.0,2.0,""' in rows
    assert '"word","m0_toy_transformer","mlp","unreadable",0.0,2.0,""' in rows


def test_help_names_every_command():
    text = glassbox("--help").stdout
    for command in (
        "list",
        "doctor",
        "check",
        "hint",
        "grade",
        "release",
        "report",
        "explain",
        "regrade",
        "build",
        "record",
        "zoo",
    ):
        assert f" {command} " in text


def test_the_installed_command_runs():
    ran = subprocess.run(
        [Path(sys.executable).with_name("glassbox"), "list", "--json"],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1"},
    )
    assert ran.stderr == ""
    assert json.loads(ran.stdout)
