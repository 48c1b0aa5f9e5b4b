"""nbgrader for real: its own commands, its own gradebook, our notebooks."""

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from autograder.paths import Rooms
from autograder.recorded import load_lab

LAB = "m0_toy_transformer"
POINTS = {exercise.name: exercise.points for exercise in load_lab(LAB).exercises}
HALF = list(POINTS)[: len(POINTS) // 2]

# Calls the right answer and spoils it, whatever it returns: a wrong answer to every exercise.
SPOIL = """

def _spoiled(value):
    if isinstance(value, (tuple, list)):
        return type(value)(map(_spoiled, value))
    if isinstance(value, (set, str, bool)) or value is None:
        return {{-1}}
    return value * 3 + 1


{name}_before = {name}


def {name}(*args, **kwargs):
    return _spoiled({name}_before(*args, **kwargs))
"""

CONFIG = """
c = get_config()
c.CourseDirectory.course_id = "glassbox"
"""


def answer_cells(notebook):
    return {c.metadata.glassbox.entry: c for c in notebook.cells if "glassbox" in c.metadata}


def handed_in(finished=(), wrong=()):
    """Return the student's notebook with some exercises solved, and some of these spoiled."""
    rooms = Rooms.here()
    notebook = nbformat.read(rooms.exercise(LAB), as_version=4)
    solved = answer_cells(nbformat.read(rooms.solutions / f"{LAB}.ipynb", as_version=4))
    for name, cell in answer_cells(notebook).items():
        if name in finished:
            cell.source = solved[name].source
        if name in wrong:
            cell.source += SPOIL.format(name=name)
    return notebook


STUDENTS = {
    "untouched": handed_in(),
    "wrong": handed_in(finished=POINTS, wrong=POINTS),
    "half": handed_in(finished=HALF),
    "solved": handed_in(finished=POINTS),
}


def nbgrader(course, *arguments):
    """Run one of nbgrader's commands; it finds `alembic` on PATH when it makes the gradebook."""
    beside = Path(sys.executable).parent
    done = subprocess.run(
        [beside / "nbgrader", *arguments],
        cwd=course,
        env={
            "PATH": f"{beside}{os.pathsep}{os.defpath}",
            "HOME": str(course.parent),
            "OMP_NUM_THREADS": "1",
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stderr


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """Make a course from the solution notebooks, as an instructor does; source -> release."""
    course = tmp_path_factory.mktemp("nbgrader") / "course"
    for lab in Rooms.here().recorded_labs():
        source = course / "source" / "ps1" / f"{lab}.ipynb"
        source.parent.mkdir(parents=True, exist_ok=True)
        source.write_bytes((Rooms.here().solutions / f"{lab}.ipynb").read_bytes())
    (course / "nbgrader_config.py").write_text(CONFIG)
    nbgrader(course, "generate_assignment", "ps1", "--create")
    return course


@pytest.fixture(scope="module")
def scores(course):
    """Hand in, autograde the class once and return student -> exercise -> score."""
    from nbgrader.api import Gradebook

    for student, notebook in STUDENTS.items():
        path = course / "submitted" / student / "ps1" / f"{LAB}.ipynb"
        path.parent.mkdir(parents=True)
        nbformat.write(notebook, path)
    nbgrader(course, "autograde", "ps1", "--create")
    ids = {f"{LAB}-{name}-check": name for name in POINTS}
    with Gradebook(f"sqlite:///{course}/gradebook.db", "glassbox") as gradebook:
        return {
            student: {
                ids[grade.name]: grade.score
                for grade in gradebook.find_submission_notebook(LAB, "ps1", student).grades
            }
            for student in STUDENTS
        }


@pytest.mark.slow
class TestPlainNbgrader:
    def test_its_release_is_our_exercise(self, course):
        for lab in Rooms.here().recorded_labs():
            released = json.loads((course / "release" / "ps1" / f"{lab}.ipynb").read_text())
            assert released == json.loads(Rooms.here().exercise(lab).read_text())

    def test_scores(self, scores):
        """One test for the whole class: each worker that runs a part would grade it all again."""
        nothing = dict.fromkeys(POINTS, 0)
        half = {name: points if name in HALF else 0 for name, points in POINTS.items()}
        assert 0 < sum(half.values()) < sum(POINTS.values())
        assert scores == {"untouched": nothing, "wrong": nothing, "half": half, "solved": POINTS}
