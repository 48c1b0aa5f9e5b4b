"""A job as plain data, for another machine: the submission's bytes and the student's own cases.

Neither the course secret nor the rest of the bank travels: which cases are a student's is decided
where the secret is, and a worker is sent those alone. It can so be started before the bank is made
and needs no file but the package. What it sees it is trusted with: it judges the answers.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from autograder.batch import Papers, grade
from autograder.jobs import Job, rules_sha256
from autograder.opening import read_limited
from autograder.recorded import Case, RecordedExercise, RecordingError, load_lab
from autograder.results import Result, shown
from autograder.sandbox import Sandbox
from autograder.submissions import Found


@dataclass(frozen=True)
class Parcel:
    """What a worker needs to grade one submission.

    Attributes:
        rules_sha256: of the references and limits; the worker's own have to be the same.
        bank_sha256: of the bank that the cases were taken from.
        ours: JSON, the digests of known solutions by exercise.
        trees: JSON, a list of cases by exercise.
        tensors: the cases' tensors, in the format of safetensors.

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
    trees: str
    tensors: bytes

    def grade(self, sandbox: Sandbox) -> Result:
        """Grade this submission, on a worker.

        Raises:
            RecordingError: the worker's references or version are not those of the job.

        """
        lab = load_lab(self.lab)
        if rules_sha256(lab) != self.rules_sha256:
            raise RecordingError(
                f"this worker's Glassbox would grade {self.lab} by other rules: install the same "
                "version on all machines"
            )
        papers = Papers(lab, self._cases(), self.bank_sha256, json.loads(self.ours))
        with tempfile.TemporaryDirectory(prefix="glassbox-") as folder:
            path = Path(folder, Path(self.path).name)
            path.write_bytes(self.content)
            found = Found(self.student, self.lab, path, self.submitted_at)
            result = grade(found, papers, sandbox, sha256=self.file_sha256)
        problem = result.problem and result.problem.replace(str(path), self.path)
        return result.model_copy(update={"path": self.path, "problem": problem})

    def _cases(self) -> Callable[[str, RecordedExercise], tuple[Case, ...]]:
        tensors = load_tensors(self.tensors)
        cases = {
            name: tuple(Case(case["id"], case["trees"], tensors) for case in listed)
            for name, listed in json.loads(self.trees).items()
        }
        return lambda _student, exercise: cases[exercise.name]


def pack(job: Job) -> Parcel:
    """Return a job whose file can be read as plain data."""
    found, papers = job.found, job.papers
    assert papers and job.file_sha256  # noqa: PT018
    assert found.lab
    trees, tensors = {}, {}
    for exercise in papers.lab.exercises:
        cases = papers.cases(found.student, exercise)
        trees[exercise.name] = [{"id": case.id, "trees": case.trees} for case in cases]
        for case in cases:
            own = f"{exercise.name}.{case.id}."
            tensors |= {key: case.tensors[key] for key in case.tensors if key.startswith(own)}
    return Parcel(
        student=found.student,
        lab=found.lab,
        path=shown(str(found.path)),
        submitted_at=found.submitted_at,
        content=read_limited(found.path),
        file_sha256=job.file_sha256,
        rules_sha256=rules_sha256(papers.lab),
        bank_sha256=papers.sha256,
        ours=json.dumps(papers.ours),
        trees=json.dumps(trees),
        tensors=save_tensors(tensors),
    )
