"""Put scores and feedback into the gradebook of an nbgrader course.

nbgrader runs a submission in a kernel without walls; here its gradebook, formgrader, feedback and
exports are used with scores from hidden inputs. What a grader wrote by hand (`manual_score`,
`extra_credit`, `manual_comment`) is never touched. One process writes, one commit per student.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import nbformat
from nbconvert.exporters.exporter import ResourcesDict
from nbformat import NotebookNode
from nbgrader.api import (
    Comment,
    Grade,
    Gradebook,
    MissingEntry,
    Student,
    SubmittedAssignment,
    SubmittedNotebook,
)
from nbgrader.preprocessors import AssignLatePenalties, OverwriteCells, SaveCells
from nbgrader.utils import parse_utc

from autograder.exports import NO_GRADE, ExportError, Outcome
from autograder.exports.autograded import autograded
from autograder.exports.nbgrader_course import Course, patiently
from autograder.feedback import feedback, notes
from autograder.files import write_atomically
from autograder.paths import Rooms
from autograder.results import Result
from autograder.stamps import stamp_beside

STAMP = "timestamp.txt"


def export_nbgrader(
    results: Iterable[Result], root: Path, *, assignment: str | None = None
) -> Outcome:
    """Write results into a course's gradebook, and the notebooks that formgrader shows.

    Args:
        results: a class's results.
        root: the course directory.
        assignment: the assignment of all these results, where the folders that were graded did not
            name it.

    Raises:
        ExportError: the folder is no course, or its gradebook is locked, of another version, or
            made from another notebook than the released one.

    """
    course, where = Course(root), Path.cwd()
    outcome = Outcome()
    by_student: dict[tuple[str, str], list[Result]] = {}
    for result in results:
        if not result.exercises:
            outcome.notes.append(f"{result.student}: {result.problem or 'no known lab'}; left")
            continue
        by_student.setdefault((assignment or result.assignment, result.student), []).append(result)
    with course.gradebook() as book:
        writer = _Writer(course, book, outcome, where)
        for (name, student), own in sorted(by_student.items()):
            writer.write(name, student, own)
    return outcome


@dataclass
class _Writer:
    """What writes one student after another."""

    course: Course
    book: Gradebook
    outcome: Outcome
    where: Path

    def __post_init__(self) -> None:
        self._released: dict[tuple[str, str], NotebookNode] = {}

    def write(self, assignment: str, student: str, results: list[Result]) -> None:
        """Write one student's results for an assignment: the gradebook first, then the files."""
        folder = self.course.submitted(student, assignment)
        results = [result for result in results if self._can_be_written(result, folder)]
        if not results:
            return
        for result in results:
            self._prepare(assignment, result.lab)
        late = patiently(
            lambda: self._grades(assignment, student, results, folder), self.book.db.rollback
        )
        for result in results:
            if late:
                self._late_penalty(assignment, student, result.lab)
            self._files(assignment, result, folder)
            self.outcome.written += 1

    def _can_be_written(self, result: Result, folder: Path) -> bool:
        """Tell whether there is a grade, of what lies in `submitted` now; say why when not."""
        if result.student in (".", ".."):
            self.outcome.notes.append(f"{result.student}: no folder can be called so; left")
            return False
        if result.status == "infrastructure":
            self.outcome.notes.append(f"{result.student}: {result.lab}: {NO_GRADE}; left")
            return False
        when = stamp_beside(folder / STAMP)
        if when and result.submitted_at and when != result.submitted_at:
            self.outcome.notes.append(
                f"{result.student}: {result.lab}: handed in at {when}, and what was graded at "
                f"{result.submitted_at}; left: grade it again"
            )
            return False
        return True

    def _prepare(self, assignment: str, lab: str) -> None:
        """Read the released notebook once, and enter it in the gradebook if nobody did."""
        if (assignment, lab) in self._released:
            return
        path = self.course.released(assignment, lab)
        path = path if path.is_file() else Rooms.here().exercise(lab)
        released = nbformat.read(path, as_version=4)
        resources = self._resources(assignment, lab)
        try:
            self.book.find_notebook(lab, assignment)
        except MissingEntry:
            patiently(lambda: self.book.update_or_create_assignment(assignment))
            patiently(lambda: SaveCells().preprocess(released, resources))
        # The gradebook's points, locks and texts count, as they do for nbgrader itself.
        try:
            released, _ = OverwriteCells().preprocess(released, resources)
        except RuntimeError as error:
            raise ExportError(
                f"{path} is not the notebook that the gradebook knows ({error}); run `nbgrader "
                f"generate_assignment {assignment} --force` and export again"
            ) from error
        for cell in released.cells:
            if "grade_id" not in cell.metadata.get("nbgrader", {"grade_id": ""}):
                del cell.metadata["nbgrader"]
        self._released[assignment, lab] = released

    def _resources(self, assignment: str, lab: str, student: str = "") -> ResourcesDict:
        """Return what nbgrader's preprocessors want to know."""
        names = {"notebook": lab, "assignment": assignment, "student": student}
        return ResourcesDict(nbgrader={**names, "db_url": self.course.folders.db_url})

    def _grades(self, assignment: str, student: str, results: list[Result], folder: Path) -> bool:
        """Write a student's scores and comments in one commit, and tell whether it was late."""
        submission = _submission(self.book, assignment, student)
        submission.timestamp = _when(folder, results)  # type: ignore[assignment]
        by_lab = {result.lab: result for result in results}
        for notebook in submission.notebooks:
            if notebook.name in by_lab:
                _enter(notebook, by_lab[notebook.name])
            elif folder.is_dir() and not (folder / f"{notebook.name}.ipynb").exists():
                _not_handed_in(notebook)
        due = submission.assignment.duedate
        late = due is not None and submission.total_seconds_late > 0
        self.book.db.commit()
        return late

    def _late_penalty(self, assignment: str, student: str, lab: str) -> None:
        """Let the course's own rule decide what a late submission costs."""
        step = AssignLatePenalties(config=self.course.config)
        resources = self._resources(assignment, lab, student)
        patiently(lambda: step.preprocess(NotebookNode(cells=[]), resources))

    def _files(self, assignment: str, result: Result, folder: Path) -> None:
        """Write the notebook that formgrader shows, and when it was handed in."""
        names = [exercise.id.partition("/")[2] for exercise in result.exercises]
        released = self._released[assignment, result.lab]
        notebook = autograded(released, _handed_in(result, folder, self.where), result.lab, names)
        target = self.course.autograded(result.student, assignment)
        text = nbformat.writes(notebook)
        write_atomically(target / f"{result.lab}.ipynb", text.encode(), self.course.file_mode)
        if (folder / STAMP).is_file():
            stamp = (folder / STAMP).read_bytes()
        elif result.submitted_at:
            stamp = result.submitted_at.encode()
        else:
            return
        write_atomically(target / STAMP, stamp, self.course.file_mode)


def _when(folder: Path, results: list[Result]) -> datetime | None:
    """Return when it was handed in, as nbgrader reads it: its own file first."""
    if (folder / STAMP).is_file():
        return parse_utc((folder / STAMP).read_text().strip())
    known = [result.submitted_at for result in results if result.submitted_at]
    return parse_utc(max(known)) if known else None


def _submission(book: Gradebook, assignment: str, student: str) -> SubmittedAssignment:
    """Return a student's submission, with grades and comments for every notebook there is by now.

    It is made as `Gradebook.add_submission` makes it, but not committed.
    """
    try:
        submission = book.find_submission(assignment, student)
    except MissingEntry:
        whole = book.find_assignment(assignment)
        who = book.db.get(Student, student) or Student(id=student)
        submission = SubmittedAssignment(assignment=whole, student=who)
        book.db.add(submission)
    there = {notebook.notebook_id for notebook in submission.notebooks}
    for notebook in submission.assignment.notebooks:
        if notebook.id in there:
            continue
        scored = [*notebook.grade_cells, *notebook.task_cells]
        told = [*notebook.solution_cells, *notebook.task_cells]
        mirrored = SubmittedNotebook(notebook=notebook, assignment=submission)
        book.db.add(mirrored)
        book.db.add_all(Grade(cell_id=cell.id, notebook=mirrored) for cell in scored)
        book.db.add_all(Comment(cell_id=cell.id, notebook=mirrored) for cell in told)
    book.db.flush()
    return submission


def _enter(notebook: SubmittedNotebook, result: Result) -> None:
    """Set what the autograder says of each exercise; an open score leaves what is there."""
    grades = {grade.name: grade for grade in notebook.grades}
    comments = {comment.name: comment for comment in notebook.comments}
    notebook.late_submission_penalty = None  # type: ignore[assignment]
    told = notes(result)  # of the file; the first exercise has room for it
    for exercise in result.exercises:
        name = exercise.id.replace("/", "-")
        if exercise.score is None:
            continue
        if grade := grades.get(f"{name}-check"):
            share = exercise.score / exercise.max_score if exercise.max_score else 0.0
            grade.auto_score = share * grade.cell.max_score
            grade.needs_manual_grade = grade.manual_score is not None
        if comment := comments.get(name):
            # Text in formgrader, Markdown in the feedback: two spaces make a line end there.
            comment.auto_comment = "  \n".join([*told, *feedback(exercise).splitlines()])
            told = []


def _not_handed_in(notebook: SubmittedNotebook) -> None:
    """Grade a notebook that is not there, as `nbgrader autograde` does."""
    for grade in notebook.grades:
        if grade.auto_score is None and grade.manual_score is None:
            grade.auto_score = 0.0
            grade.needs_manual_grade = False


def _handed_in(result: Result, folder: Path, where: Path) -> Path | None:
    """Return the file that was graded: in the course, or where it lay then, seen from `where`."""
    if result.status == "unreadable":
        return None
    places = [folder / Path(result.path).name, where / result.path]
    return next((path for path in places if path.is_file()), None)
