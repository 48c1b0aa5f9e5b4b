"""A submission to be graded, and the key under which its result is kept.

The key is a hash of all that the score depends on: the submission's bytes, its student and lab, the
bank with the cases drawn from it, the references, the limits and the grader's version. Equal keys
mean equal scores, so what has a result under its key is never graded again. How well the code was
confined, how many graded at once and in which order are no part of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace

from autograder.batch import LIMITS, Papers
from autograder.opening import SubmissionError, read_limited
from autograder.recorded import RecordedLab
from autograder.results import own_version, shown
from autograder.submissions import Found

SCHEMA = "glassbox/job/v1"


@dataclass(frozen=True)
class Job:
    """One submission with what it is graded on.

    Attributes:
        key: the hash of all that its score depends on.
        found: the submission.
        papers: its lab's, or None when no lab is known.
        rules_sha256: of what grades that lab, as in `rules_sha256`.
        file_sha256: of the submission's bytes; None when there is nothing to grade.

    """

    key: str
    found: Found
    papers: Papers | None
    rules_sha256: str
    file_sha256: str | None

    @property
    def place(self) -> tuple[str, str, str]:
        """Whose grade this is: student, lab and, for a file of no known lab, its path."""
        lab, path = self.found.lab, shown(str(self.found.path))
        return shown(self.found.student), lab or "unknown", "" if lab else path


def make_jobs(found: Iterable[Found], papers: Mapping[str, Papers]) -> list[Job]:
    """Return a job for each submission; the files are read once, for their hashes.

    Args:
        found: what `submissions.discover` returned.
        papers: by lab name.

    """
    rules = {name: rules_sha256(one.lab) for name, one in papers.items()}
    return [_job(one, papers.get(one.lab or ""), rules.get(one.lab or "", "")) for one in found]


def rules_sha256(lab: RecordedLab) -> str:
    """Return the hash of what grades a lab: its references, the limits, the grader's version."""
    exercises = [asdict(replace(exercise, cases=())) for exercise in lab.exercises]
    return _sha256(own_version(), LIMITS, lab.source_sha256, exercises)


def _job(found: Found, papers: Papers | None, rules: str) -> Job:
    digest = None
    if papers and not found.problem:
        try:
            digest = hashlib.sha256(read_limited(found.path)).hexdigest()
        except SubmissionError as error:
            found = replace(found, problem=str(error))
    cases = {}
    if papers and digest:
        cases = {
            exercise.id: [case.id for case in papers.cases(found.student, exercise)]
            for exercise in papers.lab.exercises
        }
    bank = papers.sha256 if papers else ""
    what = [digest, found.path.suffix, shown(found.problem or "")]
    job = Job("", found, papers, rules, digest)
    return replace(job, key=_sha256(SCHEMA, job.place, what, bank, cases, rules))


def _sha256(*facts: object) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
