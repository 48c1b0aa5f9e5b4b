"""Grading without the course's demonstrations gives the grade that grading with them gives."""

from dataclasses import replace
from pathlib import Path

import nbformat
import pytest

from autograder.batch import Papers, attempt_lab
from autograder.paths import Rooms
from autograder.recorded import load_lab
from autograder.sandbox import Sandbox
from autograder.submissions import read

CLASS = Path(__file__).parents[1] / "data" / "class" / "submitted"
INDUCTION, TRANSFORMER = "m3_induction", "m0_toy_transformer"


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as one:
        yield one


def opened(path, lab):
    return read(path, lab, [exercise.name for exercise in load_lab(lab).exercises])


def graded(submission, sandbox):
    """Return each exercise's status, score and misconception, and how many cells were run."""
    ran = []

    class Counting:
        def start(self, program):
            ran.append(len(program.cells))
            return sandbox.start(program)

    papers = Papers.public(load_lab(submission.lab))
    attempts, _ = attempt_lab("anyone", submission, papers, Counting())
    return [(one.status, one.score, one.idea and one.idea.id) for one in attempts], ran


@pytest.mark.slow
@pytest.mark.parametrize(
    ("student", "lab"),
    [
        ("ada", INDUCTION),
        ("ada", TRANSFORMER),
        ("bela", INDUCTION),
        ("from_colab", INDUCTION),
        ("half_done", INDUCTION),
        ("shuffled", INDUCTION),
        ("with_magics", INDUCTION),
    ],
)
def test_the_grade_is_the_same(student, lab, sandbox):
    submission = opened(CLASS / student / lab / f"{lab}.ipynb", lab)
    without, [few] = graded(submission, sandbox)
    everything, [all_] = graded(submission.in_full(), sandbox)
    assert without == everything
    assert few < all_ / 2 or student == "shuffled"  # who has deleted them


def test_every_shipped_lab_can_be_graded_without_most_of_its_cells():
    for lab in Rooms.here().recorded_labs():
        cells = opened(Rooms.here().exercise(lab), lab).cells
        assert sum(cell.demonstration for cell in cells) > len(cells) / 2
        assert not any(cell.demonstration for cell in cells if cell.kind == "answer")


def changed(tmp_path, change):
    """Return a solved submission in which the cells were changed, name -> cell."""
    notebook = nbformat.read(CLASS / "ada" / INDUCTION / f"{INDUCTION}.ipynb", as_version=4)
    answers = {c.metadata.glassbox.entry: c for c in notebook.cells if "glassbox" in c.metadata}
    change(notebook, answers)
    path = tmp_path / f"{INDUCTION}.ipynb"
    nbformat.write(notebook, path)
    return opened(path, INDUCTION)


def reads_a_demonstrations_name(_, answers):
    cell = answers["previous_token_score"]
    cell.source = cell.source.rstrip() + " + 0 * len(row)"


def binds_row(cell):
    return cell.source.startswith('model = zoo.load("induction_2l")')


def test_an_answer_that_reads_a_demonstrations_name_finds_it(tmp_path, sandbox):
    submission = changed(tmp_path, reads_a_demonstrations_name)
    assert [cell.demonstration for cell in submission.cells if binds_row(cell)] == [False]
    found, ran = graded(submission, sandbox)
    assert {status for status, _, _ in found} == {"pass"}
    assert len(ran) == 1


def test_a_name_that_is_missing_after_all_brings_every_cell_back(tmp_path, sandbox):
    submission = changed(tmp_path, reads_a_demonstrations_name)
    cells = [
        replace(cell, demonstration=cell.demonstration or binds_row(cell))
        for cell in submission.cells
    ]
    found, ran = graded(replace(submission, cells=cells), sandbox)
    assert {status for status, _, _ in found} == {"pass"}
    assert ran[-1] == len(submission.cells) > ran[0]
