"""Tables that fit, files that are safe to open."""

import csv
import io

from rich.console import Console

from autograder.gradesheet import in_order, spreadsheet_safe, tables, write_csv, write_result
from autograder.results import (
    ExerciseResult,
    Result,
    first_lines,
    grader_facts,
    now,
    read_result,
    shown,
)


def result(student, statuses, *, lab="toy", status="graded", problem=None):
    exercises = [
        ExerciseResult(
            id=f"{lab}/exercise_{place}",
            status=one,
            score=2.0 * (one == "pass"),
            max_score=2.0,
            misconception="wrong_idea" if one == "fail" else None,
            explanation="mixes <two> things" if one == "fail" else None,
        )
        for place, one in enumerate(statuses)
    ]
    return Result(
        assignment=lab,
        lab=lab,
        student=student,
        path="somewhere",
        graded_at=now(),
        grader=grader_facts("0" * 64),
        isolation="landlock",
        status=status,
        problem=problem,
        score=sum(exercise.score for exercise in exercises),
        max_score=2.0 * len(exercises),
        exercises=exercises,
    )


CLASS = [
    result("zoe", ["pass", "fail"]),
    result("ada", ["not_started", "not_started"]),
    result("<b>bob</b>", ["unreadable"] * 2, status="unreadable", problem="not JSON"),
]


def printed(width):
    console = Console(width=width, file=io.StringIO(), record=True)
    for table in tables(CLASS):
        console.print(table)
    return console.export_text()


def test_the_table_fits_eighty_columns_and_names_what_went_wrong():
    text = printed(80)
    assert max(map(len, text.splitlines())) <= 80
    assert "2 fail: wrong_idea" in text
    assert "not started" in text
    assert "✓2" in text
    assert text.index("ada") < text.index("zoe")


def test_csv_has_the_promised_columns(tmp_path):
    write_csv(CLASS, tmp_path / "grades.csv")
    rows = list(csv.DictReader((tmp_path / "grades.csv").read_text().splitlines()))
    assert rows[-1] == {
        "student": "zoe",
        "lab": "toy",
        "exercise": "exercise_1",
        "status": "fail",
        "score": "0.0",
        "max_score": "2.0",
        "misconception": "wrong_idea",
    }


def test_trouble_of_ours_is_an_open_score_and_never_a_zero(tmp_path):
    ours = result("eve", ["infrastructure"], status="infrastructure", problem="no memory left")
    ours.score = ours.exercises[0].score = None
    write_csv([ours], tmp_path / "grades.csv")
    assert (
        '"eve","toy","exercise_0","infrastructure","",2.0,""'
        in (tmp_path / "grades.csv").read_text()
    )
    console = Console(width=80, file=io.StringIO(), record=True)
    console.print(*tables([ours]))
    assert "?/2" in console.export_text()


def test_a_name_is_no_formula():
    assert spreadsheet_safe("=1+1") == "'=1+1"
    assert spreadsheet_safe("@cmd") == "'@cmd"
    assert spreadsheet_safe("＝1+1") == "'＝1+1"
    assert spreadsheet_safe("ada") == "ada"
    assert spreadsheet_safe("") == ""


def test_results_are_written_under_safe_names_and_read_back(tmp_path):
    path = write_result(result("../../etc/passwd", ["pass"]), tmp_path)
    assert path.parent == tmp_path
    assert path.name.startswith("_.._etc_passwd-")
    assert read_result(path).student == "../../etc/passwd"


def test_order_is_lab_then_student():
    other = result("ada", ["pass"], lab="another")
    assert [one.student for one in in_order([*CLASS, other])] == ["ada", "<b>bob</b>", "ada", "zoe"]


def test_no_two_students_share_a_file(tmp_path):
    names = ["a b", "a_b", "a/b", "\u6f22" * 83, "\u6f22" * 84, "a\udcff"]
    paths = {write_result(result(shown(name), ["pass"]), tmp_path).name for name in names}
    assert len(paths) == len(names)
    assert max(len(name.encode()) for name in paths) < 200


def test_text_in_the_csv_is_quoted_whatever_separates_fields(tmp_path):
    write_csv([result("v;=HYPERLINK(x)", ["pass"])], tmp_path / "grades.csv")
    header, row = (tmp_path / "grades.csv").read_text().splitlines()
    assert header == "student,lab,exercise,status,score,max_score,misconception"
    assert row.startswith('"v;=HYPERLINK(x)",')


def test_a_submission_cannot_flood_a_result():
    lines = first_lines("x" * 10_000 for _ in range(5_000))
    assert len(lines) == 21
    assert lines[-1] == "and 4980 more"
    assert max(map(len, lines)) < 400
