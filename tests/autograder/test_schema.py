"""The published schema says what result files hold."""

import json

import pytest
from graded import graded
from jsonschema import Draft202012Validator, ValidationError

from autograder.results import ResultError, read_result
from autograder.schema import PATH, refresh

CLASS = [
    graded("ada", ["pass", "partial", "fail"]),
    graded("bob", ["unreadable"] * 2, status="unreadable", problem="not JSON"),
    graded("eve", ["infrastructure"], status="infrastructure", submitted_at="2026-02-28T23:59:59Z"),
]
WRITTEN = json.loads(CLASS[0].to_json())


@pytest.fixture(scope="module")
def validator():
    published = json.loads(PATH.read_text())
    Draft202012Validator.check_schema(published)
    return Draft202012Validator(published)


def changed(**fields):
    return {**WRITTEN, **fields}


def test_every_result_is_valid(validator):
    for one in CLASS:
        validator.validate(json.loads(one.to_json()))


WRONG = [
    (changed(schema="glassbox/result/v2"), "glassbox/result/v1"),
    ({key: value for key, value in WRITTEN.items() if key != "schema"}, "says no schema"),
    (changed(colour="blue"), "colour"),
    (changed(status="perfect"), "status"),
    (changed(score="many"), "score"),
    ([], "says no schema"),
]


@pytest.mark.parametrize(("written", "said"), WRONG)
def test_what_the_schema_refuses_reading_refuses_too(validator, tmp_path, written, said):
    with pytest.raises(ValidationError):
        validator.validate(written)
    path = tmp_path / "ada--toy.json"
    path.write_text(json.dumps(written))
    with pytest.raises(ResultError, match=said) as caught:
        read_result(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_json(tmp_path):
    path = tmp_path / "ada--toy.json"
    path.write_bytes(b"\xff{")
    with pytest.raises(ResultError, match="is not JSON"):
        read_result(path)


def test_a_file_from_before_a_field_was_added_is_still_read(validator, tmp_path):
    older = {key: value for key, value in WRITTEN.items() if key != "cell_problems"}
    validator.validate(older)
    path = tmp_path / "ada--toy.json"
    path.write_text(json.dumps(older))
    assert read_result(path).cell_problems == []


def test_the_committed_schema_is_the_models(tmp_path):
    assert refresh(check=True) == []
    copy = tmp_path / "result-v1.json"
    assert [drift.path for drift in refresh(check=True, path=copy)] == [copy]
    assert not copy.exists()
    refresh(path=copy)
    assert copy.read_bytes() == PATH.read_bytes()
    copy.write_text("{}")
    assert "run `glassbox build`" in str(refresh(check=True, path=copy)[0])
