"""The graders that ours is compared with, each given the same notebooks in the form it needs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import nbformat

from autograder.bench.environment import BenchError
from autograder.paths import Rooms
from autograder.recorded import load_lab

CONFIG = 'c = get_config()\nc.CourseDirectory.course_id = "glassbox"\n'
SECONDS = 1800


class Peer(Protocol):
    """A grader: prepared once, then timed on one sample of the class after another."""

    name: str

    def prepare(self) -> None:
        """Do what is done once for an assignment, not for a submission."""
        ...

    def grade(self, students: Sequence[str]) -> float:
        """Grade these students' notebooks for the first time and return the seconds it took."""
        ...

    def scores(self) -> dict[str, float]:
        """Return student -> score for all that was graded."""
        ...


class _Command:
    """Commands of the peers' environment, in a home of their own and on one thread."""

    def __init__(self, python: Path, folder: Path, submitted: Path, lab: str) -> None:
        self.python, self.folder, self.submitted, self.lab = python, folder, submitted, lab

    def run(self, *arguments: str) -> float:
        """Run one of the environment's commands; return its seconds, raise BenchError."""
        beside = self.python.parent
        started = time.perf_counter()
        done = subprocess.run(
            [str(beside / arguments[0]), *arguments[1:]],
            cwd=self.folder,
            env={
                "PATH": f"{beside}{os.pathsep}{os.defpath}",
                "HOME": str(self.folder),
                "OMP_NUM_THREADS": "1",
            },
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        seconds = time.perf_counter() - started
        if done.returncode:
            said = (done.stderr.strip() or done.stdout.strip()).splitlines() or ["no message"]
            raise BenchError(f"{' '.join(arguments[:2])} failed: {said[-1]}")
        return seconds

    def notebook(self, student: str) -> Path:
        """Return where a student's notebook lies."""
        return self.submitted / student / self.lab / f"{self.lab}.ipynb"


class Nbgrader(_Command):
    """`nbgrader autograde`, all students of a sample in one batch."""

    name = "nbgrader autograde"

    def prepare(self) -> None:
        """Make a course with one assignment out of the lab's solution notebook."""
        source = self.folder / "source" / self.lab / f"{self.lab}.ipynb"
        source.parent.mkdir(parents=True)
        shutil.copyfile(Rooms.here().solutions / source.name, source)
        (self.folder / "nbgrader_config.py").write_text(CONFIG)
        self.run("nbgrader", "generate_assignment", self.lab, "--create")

    def grade(self, students: Sequence[str]) -> float:
        """Grade a batch; the start of the command is part of it."""
        batch = f"submitted-{students[0]}"
        for student in students:
            target = self.folder / batch / student / self.lab
            target.mkdir(parents=True)
            shutil.copy(self.notebook(student), target)
        where = f"--CourseDirectory.submitted_directory={batch}"
        return self.run("nbgrader", "autograde", self.lab, "--create", where)

    def scores(self) -> dict[str, float]:
        """Read the gradebook."""
        from nbgrader.api import Gradebook

        with Gradebook(f"sqlite:///{self.folder}/gradebook.db", "glassbox") as gradebook:
            graded: list[Any] = gradebook.assignment_submissions(self.lab)
            return {one.student_id: one.score for one in graded if one.notebooks}


class Otter(_Command):
    """`otter run`, which takes one notebook at a time, with a test file for each exercise."""

    name = "otter run"

    def prepare(self) -> None:
        """Write the test files, pack them, and turn every notebook into one of Otter's."""
        from autograder.exports.otter_files import for_otter, write_otter

        write_otter(self.lab, self.folder)
        self.run("otter", "generate", "-t", "tests", "-o", "autograder.zip")
        recorded = load_lab(self.lab)
        for folder in sorted(self.submitted.iterdir()):
            notebook = nbformat.read(self.notebook(folder.name), as_version=4)
            target = self.folder / folder.name / f"{self.lab}.ipynb"
            target.parent.mkdir()
            nbformat.write(for_otter(notebook, recorded), target)

    def grade(self, students: Sequence[str]) -> float:
        """Run Otter on each notebook."""
        seconds = 0.0
        for student in students:
            notebook, arguments = (
                f"{student}/{self.lab}.ipynb",
                ("-a", "autograder.zip", "--no-logo"),
            )
            seconds += self.run("otter", "run", notebook, *arguments, "-o", student)
        return seconds

    def scores(self) -> dict[str, float]:
        """Read what Otter left beside each notebook."""
        return {
            path.parent.name: sum(
                test.get("score", 0.0) for test in json.loads(path.read_text())["tests"]
            )
            for path in self.folder.glob("*/results.json")
        }
