"""A job as plain data, for another machine: the submission's bytes and the student's own cases.

Neither the course secret nor the rest of the bank travels: which cases are a student's is decided
where the secret is, and a worker is sent those alone. It can so be started before the bank is made
and needs no file but the package. What it sees it is trusted with: it judges the answers.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from autograder.batch import Papers, grade
from autograder.jobs import Job, rules_sha256
from autograder.opening import read_limited
from autograder.recorded import Case, RecordingError, load_lab
from autograder.results import Result, shown
from autograder.sandbox import Sandbox
from autograder.submissions import Found

# A few labs' banks: students share cases, which are packed and unpacked once.
MOST_CASES = 1024


class PackedCase(NamedTuple):
    """A case: its trees as JSON, its tensors in the format of safetensors."""

    id: str
    trees: str
    tensors: bytes


@dataclass(frozen=True)
class Parcel:
    """What a worker needs to grade one submission.

    Attributes:
        rules_sha256: of the references and limits; the worker's own have to be the same.
        bank_sha256: of the bank that the cases were taken from.
        ours: JSON, the digests of known solutions by exercise.
        cases: by exercise.

    """

    student: str
    lab: str
    path: str
    submitted_at: str | None
    content: bytes
    file_sha256: str
    rules_sha256: str
    bank_sha256: str
    ours: str
    cases: dict[str, list[PackedCase]]

    def check_rules(self) -> None:
        """Raise RecordingError when a worker's references or limits are not those of the job."""
        if _rules(self.lab) != self.rules_sha256:
            raise RecordingError(
                f"this worker's Glassbox would grade {self.lab} by other rules: install the same "
                "version on all machines"
            )

    def grade(self, sandbox: Sandbox) -> Result:
        """Grade this submission, on a worker."""
        cases = {name: tuple(map(_unpacked, packed)) for name, packed in self.cases.items()}
        papers = Papers(
            load_lab(self.lab),
            lambda _student, exercise: cases[exercise.name],
            self.bank_sha256,
            json.loads(self.ours),
        )
        with tempfile.TemporaryDirectory(prefix="glassbox-") as folder:
            path = Path(folder, Path(self.path).name)
            path.write_bytes(self.content)
            found = Found(self.student, self.lab, path, self.submitted_at)
            result = grade(found, papers, sandbox, sha256=self.file_sha256)
        problem = result.problem and result.problem.replace(str(path), self.path)
        return result.model_copy(update={"path": self.path, "problem": problem})


def pack(job: Job) -> Parcel:
    """Return a job whose file can be read as plain data."""
    found, papers = job.found, job.papers
    assert papers and job.file_sha256  # noqa: PT018
    assert found.lab
    cases = {
        exercise.name: [
            _packed(exercise.name, case) for case in papers.cases(found.student, exercise)
        ]
        for exercise in papers.lab.exercises
    }
    return Parcel(
        student=found.student,
        lab=found.lab,
        path=shown(str(found.path)),
        submitted_at=found.submitted_at,
        content=read_limited(found.path),
        file_sha256=job.file_sha256,
        rules_sha256=job.rules_sha256,
        bank_sha256=papers.sha256,
        ours=json.dumps(papers.ours),
        cases=cases,
    )


@lru_cache(maxsize=MOST_CASES)
def _packed(exercise: str, case: Case) -> PackedCase:
    """Pack a case with its own tensors, out of those of the whole bank that it is read with."""
    own = f"{exercise}.{case.id}."
    tensors = {key: tensor for key, tensor in case.tensors.items() if key.startswith(own)}
    return PackedCase(case.id, json.dumps(case.trees), save_tensors(tensors))


@lru_cache(maxsize=MOST_CASES)
def _unpacked(packed: PackedCase) -> Case:
    """Return the same object for the same case, so that its arguments are made once."""
    return Case(packed.id, json.loads(packed.trees), load_tensors(packed.tensors))


@lru_cache
def _rules(lab: str) -> str:
    return rules_sha256(load_lab(lab))
