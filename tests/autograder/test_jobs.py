"""A job's key changes with whatever its score depends on, and with nothing else."""

from dataclasses import replace

import pytest
from ledger_jobs import LAB, PAPERS, job

from autograder import batch, jobs
from autograder.jobs import make_jobs
from autograder.submissions import Found


def test_the_same_submission_has_the_same_key_wherever_it_lies(tmp_path):
    first = job(tmp_path)
    (tmp_path / "again").mkdir()
    moved = job(tmp_path / "again")
    later = replace(moved.found, submitted_at="2026-01-01T00:00:00Z")
    assert first.key == moved.key
    assert make_jobs([later], {"toy": PAPERS})[0].key == first.key


def changed_lab(**facts):
    exercise = replace(LAB.exercises[0], **facts)
    return replace(PAPERS, lab=replace(LAB, exercises=(exercise,)))


def fewer(_student, exercise):
    return exercise.cases[1:]


@pytest.mark.parametrize(
    "other",
    [
        {"text": "x = 2\n"},
        {"student": "bob"},
        {"papers": replace(PAPERS, sha256="another bank")},
        {"papers": replace(PAPERS, cases=fewer)},
        {"papers": changed_lab(points=3)},
        {"papers": changed_lab(megabytes=64)},
        {"papers": changed_lab(tolerance=0.5)},
        {"papers": replace(PAPERS, lab=replace(LAB, source_sha256="1" * 64))},
    ],
    ids=lambda other: next(iter(other)),
)
def test_another_key_for_whatever_a_score_depends_on(tmp_path, other):
    assert job(tmp_path).key != job(tmp_path, **other).key


def test_another_key_for_other_limits_and_another_grader(tmp_path, monkeypatch):
    key = job(tmp_path).key
    monkeypatch.setitem(batch.LIMITS, "cell", 1.0)
    limited = job(tmp_path).key
    monkeypatch.setattr(jobs, "own_version", lambda: "99")
    assert len({key, limited, job(tmp_path).key}) == 3


def test_a_file_that_cannot_be_read_is_a_job_with_its_problem(tmp_path):
    (one,) = make_jobs([Found("ada", "toy", tmp_path / "nothing.py")], {"toy": PAPERS})
    assert one.file_sha256 is None
    assert "cannot be read" in (one.found.problem or "")
    unknown = [Found("ada", None, tmp_path / name, None, "no lab") for name in ("a.py", "b.py")]
    places = {each.place for each in make_jobs(unknown, {})}
    assert len(places) == 2
