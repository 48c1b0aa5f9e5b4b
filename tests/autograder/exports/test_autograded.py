"""Whatever was handed in becomes a notebook in which nbgrader finds every cell it looks for."""

from pathlib import Path

import nbformat
import pytest
from nbgrader.nbgraderformat import MetadataValidator

from autograder.answers import grade_id
from autograder.exports.autograded import autograded
from autograder.paths import Rooms
from autograder.recorded import load_lab
from autograder.submissions import read

SUBMITTED = Path(__file__).parents[2] / "data" / "class" / "submitted"
PATHS = sorted(path for path in SUBMITTED.rglob("*") if path.suffix in (".ipynb", ".py"))
BROKEN = "not_json"


def parts(lab):
    released = nbformat.read(Rooms.here().exercise(lab), as_version=4)
    return released, [exercise.name for exercise in load_lab(lab).exercises]


def made(path, lab="m3_induction"):
    released, names = parts(lab)
    return autograded(released, path, lab, names)


def marks(notebook):
    return [grade_id(cell.metadata) for cell in notebook.cells if grade_id(cell.metadata)]


def by_mark(notebook):
    return {grade_id(cell.metadata): cell for cell in notebook.cells}


@pytest.fixture
def changed(tmp_path):
    """Return a function that writes the shipped notebook with its cells changed."""

    def write(change):
        notebook = nbformat.read(SUBMITTED / "ada/m3_induction/m3_induction.ipynb", as_version=4)
        notebook.cells = change(notebook.cells)
        path = tmp_path / "m3_induction.ipynb"
        nbformat.write(notebook, path)
        return path

    return write


@pytest.mark.parametrize("path", PATHS, ids=lambda path: f"{path.parents[1].name}-{path.stem}")
def test_every_submission_of_a_class(path):
    lab = path.stem
    released, names = parts(lab)
    notebook = made(path, lab)
    nbformat.validate(notebook)
    MetadataValidator().validate_nb(notebook)
    found = by_mark(notebook)
    assert sorted(marks(notebook)) == sorted(marks(released))
    for mark, cell in by_mark(released).items():
        if mark and not cell.metadata.nbgrader.solution:
            assert found[mark].source == cell.source
    if BROKEN in path.parts:
        assert "could not be read" in notebook.cells[0].source
        return
    submission = read(path, lab, names)
    graded = {cell.exercise: cell.source for cell in submission.cells if cell.exercise}
    for exercise, source in graded.items():
        # Magics are turned off in what runs, and shown as they were handed in.
        assert source.split("\n")[-1] in found[f"{lab}-{exercise}"].source


def test_what_was_handed_in_whole_stays_as_it_is():
    path = SUBMITTED / "ada/m3_induction/m3_induction.ipynb"
    before = nbformat.read(path, as_version=4)
    after = made(path)
    assert [cell.source for cell in after.cells] == [cell.source for cell in before.cells]
    assert marks(after) == marks(before)


def test_marks_that_were_lost_come_back_where_they_belong(changed):
    def lose(cells):
        for cell in cells:
            cell.metadata = {}
        return cells

    notebook = made(changed(lose))
    whole = made(SUBMITTED / "ada/m3_induction/m3_induction.ipynb")
    assert [cell.source for cell in notebook.cells] == [cell.source for cell in whole.cells]
    assert marks(notebook) == marks(whole)


def test_check_cells_that_were_deleted_follow_their_answers(changed):
    notebook = made(
        changed(lambda cells: [c for c in cells if not grade_id(c.metadata).endswith("-check")])
    )
    found = [grade_id(cell.metadata) for cell in notebook.cells]
    for mark in marks(notebook):
        if mark.endswith("-check"):
            assert found[found.index(mark) - 1] == mark.removesuffix("-check")


def test_a_check_cell_says_what_was_handed_out(changed):
    def cheat(cells):
        for cell in cells:
            if grade_id(cell.metadata).endswith("-check"):
                cell.source = "1000  # points"
        return cells

    assert "1000" not in str(made(changed(cheat)))


def test_nothing_of_a_students_metadata_and_outputs_is_left(changed):
    def fill(cells):
        for cell in cells:
            cell.metadata["evil"] = {"nbgrader": True}
            if cell.cell_type == "code":
                html = {"text/html": "<script>evil()</script>"}
                cell.outputs = [nbformat.v4.new_output("display_data", html)]
        cells[0].metadata["nbgrader"] = {"grade_id": "evil", "points": 1000, "grade": True}
        return cells

    assert "evil" not in str(made(changed(fill)))


def test_no_file_a_link_and_a_missing_one(tmp_path):
    link = tmp_path / "m3_induction.ipynb"
    link.symlink_to(SUBMITTED / "ada/m3_induction/m3_induction.ipynb")
    for path in (None, link, tmp_path / "nothing.ipynb"):
        notebook = made(path)
        assert notebook.cells[0].source == "The file could not be read."
        assert "raise NotImplementedError" in by_mark(notebook)["m3_induction-find_heads"].source
