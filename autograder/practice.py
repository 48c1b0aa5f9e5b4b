"""Check a learner's own file on the public cases, from the command line."""

from __future__ import annotations

from pathlib import Path

from autograder.batch import Papers, attempt_lab
from autograder.recorded import load_lab
from autograder.render import Report
from autograder.sandbox import Sandbox
from autograder.submissions import SubmissionError, discover, read


def practise(file: Path, lab: str | None = None) -> tuple[list[Report], list[str]]:
    """Run a notebook or script and return a report per exercise, and notes on what was mended.

    The learner's code runs in a process of its own, so that a loop or a crash costs one exercise.
    """
    found = discover([file], lab=lab)[0]
    if found.problem or not found.lab:
        raise SubmissionError(found.problem or f"{file}: name its lab with --lab")
    papers = Papers.public(load_lab(found.lab))
    submission = read(found.path, found.lab, [e.name for e in papers.lab.exercises])
    with Sandbox() as sandbox:
        attempts, problems = attempt_lab("", submission, papers, sandbox)
    return [Report(one) for one in attempts], [*submission.mended, *problems]
