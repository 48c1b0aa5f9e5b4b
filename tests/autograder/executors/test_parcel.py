"""What travels to a worker is enough to grade one submission, and nothing more."""

import pickle
from dataclasses import replace

import pytest
import small_class
from safetensors.torch import load

from autograder import bank
from autograder.bank import LabBank
from autograder.batch import Papers, grade
from autograder.executors.parcel import pack
from autograder.jobs import make_jobs
from autograder.recorded import RecordingError
from autograder.sandbox import Sandbox
from autograder.submissions import discover

SECRET = b"a secret that stays at home"


@pytest.fixture
def job(tmp_path, monkeypatch):
    monkeypatch.setattr(bank, "PER_STUDENT", 2)
    lab = small_class.lab()
    variants = {exercise.name: exercise.cases for exercise in lab.exercises}
    papers = {lab.name: Papers.hidden(LabBank(lab, variants, "f" * 64, SECRET, tmp_path))}
    small_class.write(tmp_path / "submissions", 2)
    return make_jobs(discover([tmp_path / "submissions"], lab=lab.name), papers)[1]


def test_a_worker_gives_the_result_that_is_given_here(job):
    there = pickle.loads(pickle.dumps(pack(job)))
    with Sandbox("process") as sandbox:
        here = grade(job.found, job.papers, sandbox).model_dump()
        sent = there.grade(sandbox).model_dump()
    for result in (here, sent):
        result["graded_at"], result["wall_s"] = "", 0.0
        for exercise in result["exercises"]:
            exercise["time_s"], exercise["peak_rss_mb"] = 0.0, None
    assert sent == here
    assert [exercise["status"] for exercise in sent["exercises"]].count("pass") == 1


def test_only_the_students_own_cases_travel(job):
    parcel = pack(job)
    chosen = {
        f"{exercise.name}.{case.id}"
        for exercise in job.papers.lab.exercises
        for case in job.papers.cases("student001", exercise)
    }
    assert len(chosen) == 2 * len(job.papers.lab.exercises)
    sent = [case for cases in parcel.cases.values() for case in cases]
    tensors = {key for case in sent for key in load(case.tensors)}
    assert {".".join(key.split(".")[:2]) for key in tensors} == chosen
    assert SECRET not in pickle.dumps(parcel)


def test_a_worker_with_other_rules_refuses(job):
    with pytest.raises(RecordingError, match="same version on all machines"):
        replace(pack(job), rules_sha256="0" * 64).check_rules()


def test_a_file_that_has_changed_on_the_way_is_no_score(job):
    result = replace(pack(job), content=b"x = 1\n").grade(None)
    assert (result.status, result.score) == ("infrastructure", None)
