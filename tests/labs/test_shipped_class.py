"""The shipped class is what its script makes, and grading finds what stands beside it."""

import csv
import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from autograder.cli import app
from autograder.recorded import load_lab
from autograder.results import read_result

DATA = Path(__file__).resolve().parents[1] / "data"
EXPECTED = json.loads((DATA / "class/expected.json").read_text())
SUBMISSIONS = [(student, lab) for student, labs in EXPECTED.items() for lab in labs]


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("out")
    arguments = ["grade", str(DATA / "class"), "--out", str(folder)]
    secret = ["--secret", str(DATA / "course-secret.txt")]
    ran = CliRunner().invoke(app, [*arguments, *secret], catch_exceptions=False)
    assert ran.exit_code == 0, ran.output
    (folder / "printed.txt").write_text(ran.output)
    return folder


def test_the_class_is_what_its_script_makes():
    sys.path.insert(0, str(DATA))
    try:
        from make_class import CLASS, files
    finally:
        sys.path.remove(str(DATA))
    made = files()
    committed = {path.relative_to(CLASS) for path in CLASS.rglob("*") if path.is_file()}
    assert committed == set(made)
    for path, text in made.items():
        assert (CLASS / path).read_text(encoding="utf-8") == text, path


def test_the_class_is_large_enough_and_holds_every_misconception_of_one_exercise():
    assert len(SUBMISSIONS) >= 16
    ideas = {
        idea.id for idea in load_lab("m3_induction").exercise("induction_score").misconceptions
    }
    assert ideas == {
        outcome.partition("/")[2]
        for labs in EXPECTED.values()
        for outcome in labs.get("m3_induction", {}).values()
        if "/" in outcome
    }


@pytest.mark.parametrize(("student", "lab"), SUBMISSIONS)
def test_each_submission_gets_the_expected_result(out, student, lab):
    result = read_result(out / "results" / f"{student}--{lab}.json")
    outcomes = {
        exercise.id.partition("/")[2]: "/".join(
            filter(None, (exercise.status, exercise.misconception))
        )
        for exercise in result.exercises
    }
    expected = {exercise.name: "pass" for exercise in load_lab(lab).exercises}
    assert outcomes == {**expected, **EXPECTED[student][lab]}
    for exercise in result.exercises:
        full = exercise.status == "pass"
        assert exercise.score == (exercise.max_score if full else 0)


def test_grades_csv_has_a_row_for_each_student_and_exercise(out):
    with (out / "grades.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == sum(len(load_lab(lab).exercises) for _, lab in SUBMISSIONS)
    assert list(rows[0]) == [
        "student",
        "lab",
        "exercise",
        "status",
        "score",
        "max_score",
        "misconception",
    ]


def test_the_report_names_students_and_misconceptions_and_loads_nothing(out):
    page = (out / "report.html").read_text()
    assert "hana" in page
    assert "previous_occurrence" in page
    for resource in ("http://", "https://", "<script", "<link"):
        assert resource not in page


def test_the_printed_table_names_students(out):
    printed = (out / "printed.txt").read_text()
    assert "ada" in printed
    assert "isolation" in printed
