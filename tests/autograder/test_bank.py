"""The hidden bank: private, repeatable, different for every student and every secret."""

import json
import stat
from dataclasses import replace

import pytest
import toy

from autograder import bank as bank_module
from autograder.bank import PER_STUDENT, VARIANTS, SecretError, open_bank, read_secret
from autograder.record import MarginError, record_exercise
from autograder.recorded import RecordedLab
from autograder.spec import Misconception

SECRET = b"a secret for tests only"


@pytest.fixture
def toy_lab(monkeypatch):
    recorded = RecordedLab(
        name="toy",
        title="A toy",
        module="m0_foundations",
        model="none",
        lessons=(),
        source_sha256="0" * 64,
        exercises=(record_exercise(toy.SOURCE, toy.EXERCISE),),
    )
    monkeypatch.setattr(bank_module, "load_lab", lambda _name: recorded)
    monkeypatch.setattr(bank_module, "load_source", lambda _name, _folder: toy.SOURCE)
    return recorded


def test_a_student_gets_the_same_cases_again_and_another_student_others(toy_lab, tmp_path):
    exercise = toy_lab.exercises[0]
    bank = open_bank("toy", SECRET, folder=tmp_path)
    again = open_bank("toy", SECRET, folder=tmp_path)
    chosen = [case.id for case in bank.cases("ada", exercise)]
    assert len(set(chosen)) == PER_STUDENT
    assert chosen == [case.id for case in again.cases("ada", exercise)]
    others = {tuple(case.id for case in bank.cases(name, exercise)) for name in map(str, range(20))}
    assert len(others) > 15


def test_another_secret_gives_other_inputs(toy_lab, tmp_path):
    one = open_bank("toy", SECRET, folder=tmp_path).variants["row_sums"]
    two = open_bank("toy", SECRET + b"!", folder=tmp_path).variants["row_sums"]
    assert len(one) == VARIANTS
    assert one[0].inputs["matrix"].tolist() != two[0].inputs["matrix"].tolist()


def test_the_file_is_private_and_made_anew_when_damaged(toy_lab, tmp_path):
    digest = open_bank("toy", SECRET, folder=tmp_path).sha256
    (path,) = tmp_path.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_bytes(b"damaged")
    assert open_bank("toy", SECRET, folder=tmp_path).sha256 == digest
    assert json.dumps(SECRET.decode()) not in path.read_bytes().decode("latin-1")


def test_a_bank_on_which_a_wrong_answer_nearly_passes_is_refused(toy_lab, monkeypatch, tmp_path):
    close = Misconception("close", "is close", "Look.", lambda matrix: matrix.sum(1) * (1 + 1e-7))
    exercise = replace(toy.EXERCISE, misconceptions=(close,))
    source = replace(toy.SOURCE, lab=replace(toy.LAB, exercises=(exercise,)))
    monkeypatch.setattr(bank_module, "load_source", lambda _name, _folder: source)
    with pytest.raises(MarginError, match="toy/row_sums: on hidden-1 the misconception close"):
        open_bank("toy", SECRET, folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_default_secret_is_made_once_and_private(monkeypatch, tmp_path):
    monkeypatch.setattr(bank_module, "user_config_path", lambda _name: tmp_path / "glassbox")
    first = read_secret()
    path = tmp_path / "glassbox" / "secret"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_secret() == first
    assert len(first) >= 32


def test_a_secret_that_is_missing_or_short_is_told(tmp_path):
    with pytest.raises(SecretError, match="cannot be read: No such file"):
        read_secret(tmp_path / "nothing")
    (tmp_path / "short").write_text("abc")
    with pytest.raises(SecretError, match="has 3 bytes; at least 16"):
        read_secret(tmp_path / "short")
