"""The class that is graded in the benchmark, and the wrong answers in it."""

import ast
from textwrap import dedent, indent

import nbformat
import pytest
import torch

from autograder.bench.classroom import STUDENTS, hand_in, students
from autograder.bench.mistakes import LAB, MISTAKES
from autograder.check import attempt_exercise
from autograder.paths import Rooms
from autograder.recorded import load_lab

IDEAS = [(exercise, idea) for exercise, ideas in MISTAKES.items() for idea in ideas]


@pytest.fixture(scope="module")
def stubs():
    """Return exercise -> its stub up to the body, and the names that the lab imports."""
    notebook = nbformat.read(Rooms.here().exercise(LAB), as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    space = {}
    with torch.enable_grad():  # put back at the end: the cell turns gradients off for good
        exec(cells[1].source, space)
    found = {cell.metadata.glassbox.entry: cell for cell in cells if "glassbox" in cell.metadata}
    heads = {name: cell.source.partition("    # YOUR CODE")[0] for name, cell in found.items()}
    return heads, space


@pytest.mark.parametrize(("exercise", "idea"), IDEAS)
def test_every_mistake_is_the_one_that_it_is_listed_as(stubs, exercise, idea):
    heads, space = stubs
    names = dict(space)
    exec(heads[exercise] + indent(dedent(MISTAKES[exercise][idea]), "    "), names)
    attempt = attempt_exercise(load_lab(LAB).exercise(exercise), names[exercise])
    assert attempt.idea is not None, attempt.cases[0].message
    assert attempt.idea.id == idea


def test_every_exercise_is_answered_wrongly_in_some_ways():
    assert list(MISTAKES) == [exercise.name for exercise in load_lab(LAB).exercises]
    assert all(len(ideas) >= 3 for ideas in MISTAKES.values())


def test_the_class_is_the_same_every_time_and_varied():
    class_ = students()
    assert class_ == students()
    assert len({one.name for one in class_}) == len(class_) == STUDENTS >= 40
    assert 5 <= sum(not one.wrong for one in class_) < len(class_) / 2
    assert {name for one in class_ for name in one.wrong} == set(MISTAKES)


def test_what_is_handed_in_has_every_cell_and_no_stub(tmp_path):
    class_ = students(3)
    written = hand_in(tmp_path, class_)
    shipped = nbformat.read(Rooms.here().exercise(LAB), as_version=4)
    for student, path in zip(class_, written, strict=True):
        assert path == tmp_path / "submitted" / student.name / LAB / f"{LAB}.ipynb"
        notebook = nbformat.read(path, as_version=4)
        assert len(notebook.cells) == len(shipped.cells)
        for cell in notebook.cells:
            assert "YOUR CODE HERE" not in cell.source
            assert "SOLUTION" not in cell.source
            if cell.cell_type == "code":
                ast.parse(cell.source)
