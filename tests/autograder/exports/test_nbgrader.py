"""nbgrader's gradebook after an export, through nbgrader's own API."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import nbformat
import pytest
from graded import ADVICE, SECRET, graded
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.apps import NbGraderAPI
from nbgrader.preprocessors import ComputeChecksums, SaveCells
from traitlets.config import Config

from autograder.exports import ExportError, nbgrader, nbgrader_course
from autograder.exports.nbgrader import export_nbgrader
from autograder.exports.nbgrader_course import Course
from autograder.paths import Rooms
from autograder.recorded import load_lab

LAB, OTHER = "m3_induction", "m0_toy_transformer"
EXERCISES = load_lab(LAB).exercises
NAMES = [exercise.name for exercise in EXERCISES]
POINTS = [exercise.points for exercise in EXERCISES]
WHEN = "2026-03-02T09:00:00Z"
CONFIG = 'c = get_config()\nc.CourseDirectory.course_id = "glassbox"\n'
DB = 'c.CourseDirectory.db_url = "sqlite:///gradebook.db?timeout=0.05"\n'


def of(student, statuses, **fields):
    """Return a student's result for the lab, in the assignment ps1."""
    kept = {"names": NAMES, "points": POINTS, "assignment": "ps1", "lab": LAB}
    return graded(student, statuses, **{**kept, **fields})


def other(student, status):
    names = [exercise.name for exercise in load_lab(OTHER).exercises]
    return graded(student, status, lab=OTHER, names=names, assignment="ps1")


def hand_in(course, student, *, lab=LAB, stamp=None, assignment="ps1"):
    folder = course / "submitted" / student / assignment
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(Rooms.here().exercise(lab), folder)
    if stamp:
        (folder / "timestamp.txt").write_text(stamp)
    return folder


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Make a course with a gradebook that knows the lab; making one takes seconds."""
    course = tmp_path_factory.mktemp("made") / "course"
    released = course / "release" / "ps1"
    released.mkdir(parents=True)
    shutil.copy(Rooms.here().exercise(LAB), released)
    (course / "nbgrader_config.py").write_text(CONFIG)
    export_nbgrader([of("nobody", "not_started")], course)
    return course


@pytest.fixture
def course(made, tmp_path):
    return Path(shutil.copytree(made, tmp_path / "course"))


@pytest.fixture
def book(course):
    with Gradebook(f"sqlite:///{course}/gradebook.db", "glassbox") as opened:
        yield opened


def scores(book, student, lab=LAB):
    book.db.expire_all()
    notebook = book.find_submission_notebook(lab, "ps1", student)
    return {grade.name.removesuffix("-check"): grade for grade in notebook.grades}


def first(book, student):
    return scores(book, student)[f"{LAB}-{NAMES[0]}"]


def comment(book, student, name=NAMES[0]):
    book.db.expire_all()
    return book.find_comment(f"{LAB}-{name}", LAB, "ps1", student)


def everything(course):
    """Return all that a gradebook and the graded notebooks say."""
    with closing(sqlite3.connect(course / "gradebook.db")) as database:
        texts = list(database.iterdump())
    return "\n".join([*texts, *(path.read_text() for path in course.rglob("autograded/**/*.*"))])


def test_scores_and_comments_of_a_class(course, book):
    hand_in(course, "ada")
    statuses = ["pass", "partial", "fail", "not_started", "error", "timeout", "missing"]
    outcome = export_nbgrader([of("ada", statuses), of("bob", "pass")], course)
    assert (outcome.written, outcome.notes) == (2, [])
    found = scores(book, "ada")
    assert {name: grade.auto_score for name, grade in found.items()} == {
        f"{LAB}-{name}": points if status == "pass" else 0
        for name, points, status in zip(NAMES, POINTS, statuses, strict=True)
    }
    assert not any(grade.needs_manual_grade for grade in found.values())
    assert book.find_submission("ps1", "bob").score == sum(POINTS)
    told = comment(book, "ada", NAMES[2]).comment
    assert "misconception: first_sequence_only  \n" in told
    assert "hint: Change the second sequence" in told
    assert comment(book, "ada").comment == "Every hidden case passes."
    assert "Not started" in comment(book, "ada", NAMES[3]).comment


def test_no_number_of_a_hidden_input_and_no_word_of_a_student(course):
    hand_in(course, "ada")
    export_nbgrader([of("ada", "fail")], course)
    said = everything(course)
    assert "first_sequence_only" in said
    assert SECRET.split()[2] not in said
    assert ADVICE not in said


def test_what_a_grader_wrote_stays(course, book):
    export_nbgrader([of("ada", "fail")], course)
    grade, note = first(book, "ada"), comment(book, "ada")
    grade.manual_score, grade.extra_credit, note.manual_comment = 0.75, 0.5, "See me."
    book.db.commit()
    export_nbgrader([of("ada", "pass")], course)
    grade, note = first(book, "ada"), comment(book, "ada")
    assert (grade.auto_score, grade.manual_score, grade.extra_credit) == (1.0, 0.75, 0.5)
    assert grade.score == 1.25
    assert grade.needs_manual_grade
    assert not scores(book, "ada")[f"{LAB}-{NAMES[1]}"].needs_manual_grade
    assert (note.auto_comment, note.comment) == ("Every hidden case passes.", "See me.")


def test_trouble_of_ours_leaves_what_is_there(course, book):
    export_nbgrader([of("ada", "pass")], course)
    broken = of("ada", "infrastructure", status="infrastructure")
    outcome = export_nbgrader(
        [broken, of("eve", "infrastructure", status="infrastructure")], course
    )
    assert book.find_submission("ps1", "ada").score == sum(POINTS)
    with pytest.raises(MissingEntry):
        book.find_student("eve")
    assert outcome.written == 0
    assert [note.partition(":")[0] for note in outcome.notes] == ["ada", "eve"]
    half = of("ada", ["infrastructure", *["fail"] * 6])
    export_nbgrader([half], course)
    assert first(book, "ada").auto_score == 1.0
    assert comment(book, "ada").comment == "Every hidden case passes."
    assert book.find_submission("ps1", "ada").score == 1.0


def test_an_open_grade_with_nothing_before_it_waits_for_a_person(course, book):
    export_nbgrader([of("ada", ["infrastructure", *["pass"] * 6])], course)
    assert first(book, "ada").auto_score is None
    assert first(book, "ada").needs_manual_grade


def test_the_points_of_the_course_count(course, book):
    released = course / f"release/ps1/{LAB}.ipynb"
    notebook = nbformat.read(released, as_version=4)
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == f"{LAB}-{NAMES[1]}-check":
            cell.metadata.nbgrader.points = 10.0
    names = {"notebook": LAB, "assignment": "ps1", "db_url": f"sqlite:///{course}/gradebook.db"}
    for step in (ComputeChecksums, SaveCells):  # as `nbgrader generate_assignment` does
        notebook, _ = step().preprocess(notebook, {"nbgrader": names})
    nbformat.write(notebook, released)
    partial = of("ada", ["pass", "partial", *["pass"] * 5])
    partial.exercises[1].score = POINTS[1] / 4
    export_nbgrader([partial], course)
    assert scores(book, "ada")[f"{LAB}-{NAMES[1]}"].auto_score == 2.5
    shown = nbformat.read(course / f"autograded/ada/ps1/{LAB}.ipynb", as_version=4)
    marks = [cell.metadata.get("nbgrader", {}) for cell in shown.cells]
    assert [mark.points for mark in marks if mark.get("grade")][:2] == [1.0, 10.0]


def test_grades_of_other_cells_are_not_ours(course, book):
    book.add_grade_cell("by-hand", LAB, "ps1", max_score=3, cell_type="markdown")
    export_nbgrader([of("ada", "pass")], course)
    grade = scores(book, "ada")["by-hand"]
    assert (grade.auto_score, grade.needs_manual_grade) == (None, True)
    grade.manual_score, grade.needs_manual_grade = 3.0, False
    book.db.commit()
    export_nbgrader([of("ada", "pass")], course)
    grade = scores(book, "ada")["by-hand"]
    assert (grade.manual_score, grade.needs_manual_grade) == (3.0, False)


def test_a_lab_that_came_to_the_assignment_later(course, book):
    """Nothing in `release/` has it either: it is the shipped exercise."""
    export_nbgrader([of("ada", "pass")], course)
    export_nbgrader([other("ada", "pass"), other("bob", "fail")], course)
    assert book.find_submission("ps1", "ada").score == 30
    assert book.find_submission("ps1", "bob").max_score == 30
    assert set(scores(book, "ada", OTHER)) == {
        one.id.replace("/", "-") for one in other("x", "pass").exercises
    }


def test_a_lab_that_was_not_handed_in_is_a_zero_without_a_flag(course, book):
    export_nbgrader([of("ada", "pass"), other("ada", "pass")], course)
    hand_in(course, "bob", lab=OTHER)
    export_nbgrader([other("bob", "pass")], course)
    submission = book.find_submission("ps1", "bob")
    assert (submission.score, submission.needs_manual_grade) == (15.0, False)


def test_another_name_for_the_assignment(course, book):
    export_nbgrader([of("ada", "pass", assignment=LAB)], course, assignment="ps1")
    assert [one.name for one in book.assignments] == ["ps1"]
    assert book.find_submission("ps1", "ada").score == sum(POINTS)


def test_formgrader_takes_it_for_graded(course, book):
    folder = hand_in(course, "ada", stamp="2026-03-02 01:00:00.123456 America/Los_Angeles")
    hand_in(course, "bob")
    hand_in(course, "cleo")
    export_nbgrader([of("ada", "pass", submitted_at=WHEN), of("bob", "fail")], course)
    copied = course / "autograded/ada/ps1/timestamp.txt"
    assert copied.read_bytes() == (folder / "timestamp.txt").read_bytes()
    assert str(book.find_submission("ps1", "ada").timestamp) == "2026-03-02 09:00:00.123456"
    config = Config()
    config.CourseDirectory.root = str(course)
    config.Exchange.root = str(course)
    listed = {one["student"]: one for one in NbGraderAPI(config=config).get_submissions("ps1")}
    assert {name: one["autograded"] for name, one in listed.items()} == {
        "ada": True,
        "bob": True,
        "cleo": False,
        "nobody": True,
    }
    assert listed["ada"]["score"] == sum(POINTS)


def test_what_was_handed_in_again_since_keeps_its_place(course, book):
    hand_in(course, "ada", stamp="2026-03-02 09:00:00 UTC")
    export_nbgrader([of("ada", "pass", submitted_at=WHEN)], course)
    hand_in(course, "ada", stamp="2026-03-02 10:00:00 UTC")
    outcome = export_nbgrader([of("ada", "fail", submitted_at=WHEN)], course)
    assert "handed in at 2026-03-02T10:00:00Z" in outcome.notes[0]
    assert outcome.notes[0].endswith("grade it again")
    assert book.find_submission("ps1", "ada").score == sum(POINTS)
    export_nbgrader([of("ada", "fail", submitted_at="2026-03-02T10:00:00Z")], course)
    assert book.find_submission("ps1", "ada").score == 0


def test_a_submission_from_elsewhere_keeps_its_time(course, book):
    export_nbgrader([of("ada", "pass", submitted_at=WHEN)], course)
    assert (course / "autograded/ada/ps1/timestamp.txt").read_text() == WHEN
    assert str(book.find_submission("ps1", "ada").timestamp) == "2026-03-02 09:00:00"


def test_the_courses_rule_for_late_submissions(course, book):
    (course / "late.py").write_text(
        "from nbgrader.plugins import BasePlugin\n"
        "class Late(BasePlugin):\n"
        "    def late_submission_penalty(self, student_id, score, total_seconds_late):\n"
        "        return total_seconds_late / 3600\n"
    )
    rule = "c.AssignLatePenalties.plugin_class = 'late.Late'\n"
    (course / "nbgrader_config.py").write_text(CONFIG + rule)
    book.update_or_create_assignment("ps1", duedate="2026-03-02 07:00:00 UTC")
    late = of("ada", "pass", submitted_at=WHEN)
    export_nbgrader([late, of("bob", "pass", submitted_at="2026-03-02T06:59:00Z")], course)
    assert book.find_submission_notebook(LAB, "ps1", "ada").late_submission_penalty == 2.0
    assert book.find_submission_notebook(LAB, "ps1", "bob").late_submission_penalty is None
    book.grant_extension("ps1", "ada", hours=3)
    export_nbgrader([late], course)
    book.db.expire_all()
    assert book.find_submission_notebook(LAB, "ps1", "ada").late_submission_penalty is None


@pytest.fixture
def locked(course, monkeypatch):
    """Lock the gradebook and return the lock; nobody waits long for it."""
    (course / "nbgrader_config.py").write_text(CONFIG + DB)
    monkeypatch.setattr(nbgrader_course, "WAITS", (0.01, 0.02))
    with closing(sqlite3.connect(course / "gradebook.db", check_same_thread=False)) as database:
        database.execute("BEGIN EXCLUSIVE")
        yield database


def test_a_gradebook_that_stays_locked(course, locked):
    with pytest.raises(ExportError, match="locked by another program; close formgrader"):
        export_nbgrader([of("ada", "pass")], course)


def test_a_gradebook_that_is_locked_for_a_while(course, book, locked, monkeypatch):
    waited = []

    def wait(seconds):
        waited.append(seconds)
        locked.rollback()

    monkeypatch.setattr(nbgrader_course.time, "sleep", wait)
    export_nbgrader([of("ada", "pass")], course)
    assert waited == [0.01]
    assert book.find_submission("ps1", "ada").score == sum(POINTS)


def test_a_lock_between_two_students(course, book, monkeypatch):
    (course / "nbgrader_config.py").write_text(CONFIG + DB)
    shown = nbgrader.autograded
    waited = []
    with closing(sqlite3.connect(course / "gradebook.db")) as program:

        def locking(*arguments):
            if not waited:
                program.execute("BEGIN EXCLUSIVE")
            return shown(*arguments)

        def wait(seconds):
            waited.append(seconds)
            program.rollback()

        monkeypatch.setattr(nbgrader, "autograded", locking)
        monkeypatch.setattr(nbgrader_course.time, "sleep", wait)
        export_nbgrader([of("ada", "pass"), of("bob", "fail")], course)
    assert len(waited) == 1
    assert book.find_submission("ps1", "ada").score == sum(POINTS)
    assert len(scores(book, "bob")) == len(NAMES)
    assert "misconception" in comment(book, "bob").comment


def test_an_error_that_is_no_lock_is_not_tried_again(course):
    with closing(sqlite3.connect(course / "gradebook.db")) as database:
        database.execute("ALTER TABLE grade DROP COLUMN extra_credit")
        database.commit()
    with pytest.raises(ExportError, match="run `nbgrader db upgrade`"):
        export_nbgrader([of("ada", "pass")], course)


def test_a_released_notebook_that_is_not_the_gradebooks(course, book):
    cell = book.find_grade_cell(f"{LAB}-{NAMES[1]}-check", LAB, "ps1")
    cell.max_score = 10.0
    book.db.commit()
    with pytest.raises(ExportError, match="run `nbgrader generate_assignment ps1 --force`"):
        export_nbgrader([of("ada", "pass")], course)


def test_a_folder_that_is_no_course(tmp_path):
    with pytest.raises(ExportError, match="is no nbgrader course: it has none of"):
        export_nbgrader([of("ada", "pass")], tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("config", ["c = ", "c = get_config()\nc.CourseDirectory.root = 7\n"])
def test_a_configuration_that_cannot_be_read(course, config):
    (course / "nbgrader_config.py").write_text(config)
    with pytest.raises(ExportError, match="cannot read the configuration"):
        Course(course)


def test_names_that_are_no_folders_and_labs_that_are_none(course):
    unknown = graded("ada", [], lab="unknown", problem="no lab is called so")
    outcome = export_nbgrader([of("..", "pass"), unknown], course)
    assert outcome.notes == [
        "ada: no lab is called so; left",
        "..: no folder can be called so; left",
    ]
    assert not (course / "ps1").exists()


def test_the_process_is_left_as_it_was(course, monkeypatch):
    before = Path.cwd(), nbgrader_course.os.environ["PATH"]
    with pytest.raises(ExportError, match="told"), Course(course).gradebook():
        raise ExportError("told")
    assert (Path.cwd(), nbgrader_course.os.environ["PATH"]) == before
