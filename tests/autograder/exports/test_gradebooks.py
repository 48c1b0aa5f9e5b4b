"""From a folder that `glassbox grade` wrote to a gradebook, on the command line."""

import csv

import pytest
from graded import graded, write_class
from typer.testing import CliRunner

from autograder.cli import app
from autograder.exports import ExportError, of_assignment, read_results, totals
from autograder.exports.table import write_table

CLASS = [
    graded("ada", ["pass", "fail"], lab="m3"),
    graded("ada", ["pass"], lab="m0"),
    graded("=bob", ["pass", "pass"], lab="m3"),
    graded("eve", ["infrastructure"], lab="m0", status="infrastructure"),
    graded("zoe", [], lab="unknown", problem="no lab is called so"),
]
CANVAS = "Student,ID,SIS Login ID,Section,m3 (7)\n    Points Possible,,,,4\nA,1,ada,A,\n"
MOODLE = (
    "Identifier,Email address,Grade,Maximum Grade,Last modified (grade)\nParticipant 1,ada,,4,-\n"
)


@pytest.fixture
def folder(tmp_path):
    return write_class(CLASS, tmp_path / "out")


def export(*arguments, code=0):
    ran = CliRunner().invoke(app, ["export", *map(str, arguments)], catch_exceptions=False)
    assert ran.exit_code == code, ran.output
    return ran


def test_results_are_read_in_order(folder):
    read = read_results(folder)
    assert [(one.lab, one.student) for one in read] == [
        ("m0", "ada"),
        ("m0", "eve"),
        ("m3", "=bob"),
        ("m3", "ada"),
        ("unknown", "zoe"),
    ]
    assert read[0] == CLASS[1]


def test_folders_without_results(folder, tmp_path):
    with pytest.raises(ExportError, match="there is no folder"):
        read_results(tmp_path / "nothing")
    with pytest.raises(ExportError, match="holds no results"):
        read_results(tmp_path)
    with pytest.raises(ExportError, match="name the folder above it"):
        read_results(folder / "results")


def test_points_are_added_up_and_an_open_grade_is_no_zero():
    found, worth = totals(CLASS)
    assert {one.student: one.score for one in found} == {
        "ada": 4.0,
        "=bob": 4.0,
        "eve": None,
        "zoe": 0.0,
    }
    assert worth == 6.0


def test_the_results_of_one_assignment():
    assert of_assignment(CLASS[:1], None) == CLASS[:1]
    assert of_assignment(CLASS, "m3") == [CLASS[0], CLASS[2]]


def test_a_row_per_student_and_a_column_per_lab(tmp_path):
    write_table(CLASS, tmp_path / "scores.csv")
    text = (tmp_path / "scores.csv").read_text()
    assert list(csv.DictReader(text.splitlines())) == [
        {"student": "'=bob", "m0": "0.0", "m3": "4.0", "total": "4.0"},
        {"student": "ada", "m0": "2.0", "m3": "2.0", "total": "4.0"},
        {"student": "eve", "m0": "", "m3": "0.0", "total": ""},
    ]


def test_each_command_says_what_it_wrote_and_what_it_left(folder, tmp_path):
    (tmp_path / "canvas.csv").write_text(CANVAS)
    (tmp_path / "moodle.csv").write_text(MOODLE)
    filled = tmp_path / "filled.csv"
    options = ["--out", filled, "--assignment", "m3"]
    ran = export("canvas", folder, "--gradebook", tmp_path / "canvas.csv", *options)
    assert (
        ran.stdout == f"=bob: not in the file\n1 grade into {filled}: import it under "
        "Grades, Import\n"
    )
    assert filled.read_text() == CANVAS.replace("ada,A,", "ada,A,2.00")
    ran = export("moodle", folder, "--worksheet", tmp_path / "moodle.csv", *options)
    assert "1 grade into" in ran.stdout
    assert filled.read_text() == MOODLE.replace("ada,,4", "ada,2.00,4")
    export("csv", folder, "--out", tmp_path / "scores.csv")
    assert "eve" in (tmp_path / "scores.csv").read_text()


def test_what_a_user_can_mend_is_one_line(folder, tmp_path):
    broken = folder / "results" / "ada--m3.json"
    for command in (
        ["csv", tmp_path / "nothing"],
        ["nbgrader", folder, "--course", tmp_path / "nothing"],
        ["canvas", folder, "--gradebook", tmp_path / "nothing.csv", "--out", tmp_path / "x.csv"],
        ["csv", folder],
    ):
        broken.write_text("{}" if command == ["csv", folder] else broken.read_text())
        ran = export(*command, code=2)
        assert len(ran.stderr.strip().splitlines()) == 1
        assert ran.stderr.startswith("glassbox: ")
