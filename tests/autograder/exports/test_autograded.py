"""Whatever was handed in becomes a notebook in which nbgrader finds every cell it looks for."""

from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest
from nbconvert.filters.markdown import markdown2html_mistune as markdown2html
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


HOSTILE = [
    "<script>evil()</script>",
    "text <img src=x onerror=evil()> text",
    "[x](javascript:evil())",
    "[x](java\\script\\:evil())",
    "[x](&#106;avascript:evil())",
    "[a]: JaVaScript:evil()\n\n[a]",
    "![x](data:text/html,evil)",
    "~~~\n~~~\n<script>evil()</script>",
    "~~~~~~~\n~~~~~~~\n<b>evil</b>",
    "<svg onload=evil()>",
]


class Acting(HTMLParser):
    """What a browser would act upon in a page, and the text that it would show."""

    def __init__(self, page):
        super().__init__()
        self.found, self.text = [], ""
        self.feed(page)

    def handle_data(self, data):
        self.text += data

    def handle_starttag(self, tag, attrs):
        safe = ("p", "pre", "code", "a", "em", "strong", "h1", "li", "ul", "br", "span", "div")
        if tag not in safe or any("evil" in (value or "") for _, value in attrs):
            self.found.append((tag, attrs))


@pytest.mark.parametrize("kind", ["markdown", "raw"])
@pytest.mark.parametrize("text", HOSTILE)
def test_text_that_could_act_is_shown_as_text(changed, kind, text):
    new = {"markdown": nbformat.v4.new_markdown_cell, "raw": nbformat.v4.new_raw_cell}[kind]
    assert kind == "raw" or Acting(markdown2html(text)).found
    notebook = made(changed(lambda cells: [new(text), *cells]))
    shown = notebook.cells[0]
    assert shown.cell_type == "markdown"
    page = Acting(markdown2html(shown.source))
    assert page.found == []
    assert text in page.text


def test_a_written_answer_of_the_courses_own(changed):
    """It keeps its place and its mark, whatever stands in it; where it is missing it comes back."""
    released, names = parts("m3_induction")
    marks = {"grade_id": "essay", "grade": True, "solution": True, "locked": False, "points": 3}
    written = nbformat.v4.new_markdown_cell("YOUR ANSWER HERE", metadata={"nbgrader": marks})
    released.cells.insert(5, written)
    for text in ("Because $a < b$.", "<script>evil()</script>"):
        own = nbformat.v4.new_markdown_cell(text, metadata={"nbgrader": {"grade_id": "essay"}})
        path = changed(lambda cells, own=own: [*cells[:9], own, *cells[9:]])
        shown = autograded(released, path, "m3_induction", names).cells
        assert text in shown[9].source
        assert shown[9].metadata.nbgrader == marks
        assert [grade_id(cell.metadata) for cell in shown].count("essay") == 1
    shown = autograded(released, changed(lambda cells: cells), "m3_induction", names)
    assert by_mark(shown)["essay"].source == "YOUR ANSWER HERE"


def test_other_text_of_a_student_stays_markdown(changed):
    text = "Here $a < b$ and *data*: `x <= 3`, see [there](https://example.org/script)"
    notebook = made(changed(lambda cells: [nbformat.v4.new_markdown_cell(text), *cells]))
    assert notebook.cells[0].source == text


def test_more_cells_than_anybody_reads(changed):
    many = [nbformat.v4.new_markdown_cell(str(number)) for number in range(2001)]
    notebook = made(changed(lambda cells: many))
    assert "could not be read" in notebook.cells[0].source


def test_no_file_a_link_and_a_missing_one(tmp_path):
    link = tmp_path / "m3_induction.ipynb"
    link.symlink_to(SUBMITTED / "ada/m3_induction/m3_induction.ipynb")
    for path in (None, link, tmp_path / "nothing.ipynb"):
        notebook = made(path)
        assert notebook.cells[0].source == "The file could not be read."
        assert "raise NotImplementedError" in by_mark(notebook)["m3_induction-find_heads"].source
