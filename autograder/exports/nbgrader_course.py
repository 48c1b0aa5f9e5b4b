"""An nbgrader course directory: its configuration, its folders, and its gradebook.

nbgrader reads its own configuration, so folders, database and plugins are those of the course.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import TypeVar

from nbgrader.api import Gradebook, InvalidEntry
from nbgrader.apps import NbGrader
from nbgrader.coursedir import CourseDirectory
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from traitlets.config import Config

from autograder.exports import ExportError

Done = TypeVar("Done")

MARKS_OF_A_COURSE = ("nbgrader_config.py", "gradebook.db", "source", "release", "submitted")
# Seconds between tries; sqlite itself waits 5 seconds in each.
WAITS = (0.2, 1.0, 5.0)


class _Reader(NbGrader):
    """nbgrader's application, to read a course's configuration and nothing else."""

    load_cwd_config = False

    def init_syspath(self) -> None:
        """Let a course's plugins be imported, but after everything else."""
        sys.path.append(str(Path.cwd()))


class Course:
    """A course directory."""

    def __init__(self, root: Path) -> None:
        """Read the course's configuration.

        Raises:
            ExportError: the folder is no course, or its configuration cannot be read.

        """
        if not any((root / name).exists() for name in MARKS_OF_A_COURSE):
            raise ExportError(
                f"{root} is no nbgrader course: it has none of {', '.join(MARKS_OF_A_COURSE)}; "
                "name the folder in which you run nbgrader"
            )
        self.root = root.resolve()
        app = _Reader(log_level=logging.ERROR)
        app.raise_config_file_errors = True
        try:
            with chdir(self.root):
                app.initialize([], root=str(self.root))
        except (Exception, SystemExit) as error:  # a configuration is a program: it can do anything
            raise ExportError(
                f"nbgrader cannot read the configuration of {root}: {type(error).__name__}: {error}"
            ) from error
        self.config: Config = app.config
        assert isinstance(app.coursedir, CourseDirectory)
        self.folders: CourseDirectory = app.coursedir

    def submitted(self, student: str, assignment: str) -> Path:
        """Return the folder of what a student handed in."""
        return self._path(self.folders.submitted_directory, student, assignment)

    def autograded(self, student: str, assignment: str) -> Path:
        """Return the folder of what was graded."""
        return self._path(self.folders.autograded_directory, student, assignment)

    def released(self, assignment: str, notebook: str) -> Path:
        """Return a notebook as it was handed out."""
        return self._path(self.folders.release_directory, ".", assignment) / f"{notebook}.ipynb"

    def _path(self, step: str, student: str, assignment: str) -> Path:
        return Path(self.folders.format_path(step, student, assignment))

    @property
    def file_mode(self) -> int:
        """The rights of files that are written into the course."""
        return 0o664 if self.folders.groupshared else 0o644

    @contextmanager
    def gradebook(self) -> Iterator[Gradebook]:
        """Open the gradebook, and make it when the course has none yet.

        Raises:
            ExportError: the database is of another version of nbgrader, or stays locked.

        """
        with _quiet(), self._where_nbgrader_runs():
            book = patiently(lambda: Gradebook(self.folders.db_url, self.folders.course_id))
            try:
                yield book
            except (SQLAlchemyError, InvalidEntry) as error:
                raise ExportError(
                    f"nbgrader's gradebook {self.folders.db_url} refuses this: "
                    f"{str(error).splitlines()[0]}; if it is of an older nbgrader, back it up and "
                    "run `nbgrader db upgrade`"
                ) from error
            finally:
                book.close()

    @contextmanager
    def _where_nbgrader_runs(self) -> Iterator[None]:
        """Work in the course's folder, with `alembic` on the path: a new gradebook needs it."""
        before = os.environ.get("PATH", os.defpath)
        os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{before}"
        try:
            with chdir(self.root):
                yield
        finally:
            os.environ["PATH"] = before


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep nbgrader from printing a traceback for every try at a locked database."""
    log = logging.getLogger("tornado.application")
    before = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(before)


def patiently(work: Callable[[], Done], undo: Callable[[], object] = lambda: None) -> Done:
    """Do something to the gradebook, and again while another program has it locked.

    Args:
        work: what to do; it may be done several times.
        undo: what to do before the next try.

    Raises:
        ExportError: it is still locked after the last try.

    """
    for wait in (*WAITS, None):
        try:
            return work()
        except (OperationalError, InvalidEntry) as error:
            undo()
            if "locked" not in str(error):
                raise
            if wait is None:
                raise ExportError(
                    "the gradebook is locked by another program; close formgrader or wait for "
                    "nbgrader to end, and export again: what is already written stays"
                ) from error
            time.sleep(wait)
    raise AssertionError("the last try ends above")
