"""JUnit XML: the structure of xunit2, who failed and who was never there, nothing hidden."""

from xml.etree import ElementTree

import graded
import pytest

from autograder.exports.junit import TAGS, junit, write_junit

# What the schema junit-10 of Jenkins, which pytest calls xunit2, lets stand where.
ATTRIBUTES = {
    "testsuites": {"name", "time", "tests", "failures", "errors"},
    "testsuite": {"name", "tests", "failures", "errors", "skipped", "time", "timestamp"},
    "properties": set(),
    "property": {"name", "value"},
    "testcase": {"classname", "name"},
    "failure": {"type", "message"},
    "error": {"type", "message"},
    "skipped": {"type", "message"},
}
CHILDREN = {
    "testsuites": {"testsuite"},
    "testsuite": {"properties", "testcase"},
    "properties": {"property"},
    "testcase": {"failure", "error", "skipped"},
}


def parsed(*results):
    root = ElementTree.fromstring(junit(results))
    for element in root.iter():
        assert set(element.attrib) <= ATTRIBUTES[element.tag]
        assert {child.tag for child in element} <= CHILDREN.get(element.tag, set())
    for suite in root:
        cases = suite.findall("testcase")
        assert int(suite.get("tests")) == len(cases)
        for count, tag in {"failures": "failure", "errors": "error", "skipped": "skipped"}.items():
            assert int(suite.get(count)) == len(suite.findall(f"testcase/{tag}"))
    for name in ("tests", "failures", "errors"):
        assert int(root.get(name)) == sum(int(suite.get(name)) for suite in root)
    return root


def without_cases(result):
    """Return a result as it is when the file could not be read, or not be graded."""
    for exercise in result.exercises:
        exercise.cases = []
    return result


@pytest.fixture
def partly_right():
    result = graded.graded("ada", ["partial"])
    result.exercises = [graded.exercise("toy/sums", "partial", passed=2)]
    result.score = 1.0
    return result


def test_a_case_is_a_test_case_with_the_exercise_as_its_class(partly_right):
    (suite,) = parsed(partly_right)
    passed, failed = suite.findall("testcase")[1:3]
    assert passed.get("classname") == "toy.sums"
    assert (passed.get("name"), len(passed)) == ("hidden-1", 0)
    assert failed.find("failure").get("type") == "values"
    assert failed.find("failure").get("message") == "Failed check: values."


@pytest.mark.parametrize(
    ("status", "tag"),
    [
        ("fail", "failure"),
        ("invalid_output", "failure"),
        ("error", "error"),
        ("timeout", "error"),
        ("memory", "error"),
        ("crash", "error"),
        ("not_started", "skipped"),
        ("missing", "skipped"),
    ],
)
def test_each_status_has_its_element(status, tag):
    (suite,) = parsed(graded.graded("ada", [status]))
    assert len(suite.findall(f"testcase/{tag}")) == 4


def test_a_submission_without_cases_is_an_error_that_somebody_looks_at():
    open_ = without_cases(graded.graded("ada", ["infrastructure"], status="infrastructure"))
    torn = without_cases(graded.graded("bob", ["unreadable"], status="unreadable"))
    unknown = graded.graded("eve", [], status="unreadable", problem="rename it")
    root = parsed(open_, torn, unknown)
    assert root.get("errors") == "3"
    kinds = [element.get("type") for element in root.iter("error")]
    assert kinds == ["infrastructure", "unreadable", "unreadable"]
    assert root[0].find("properties/property[@name='score']").get("value") == ""
    assert root[2].find("testcase/error").get("message") == "rename it"


def test_points_are_properties_of_the_suite(partly_right):
    (suite,) = parsed(partly_right)
    facts = {one.get("name"): one.get("value") for one in suite.iter("property")}
    assert (facts["score"], facts["max_score"]) == ("1", "2")
    assert (facts["student"], facts["isolation"]) == ("ada", "namespaces")


def test_nothing_of_the_hidden_cases_and_nothing_that_xml_cannot_hold(tmp_path):
    wrong = graded.graded('a"<\x1b[31m&\ufffe', ["fail", "error"])
    wrong.exercises[0].explanation = "counts\x00 <from> 1"
    path = tmp_path / "deep" / "junit.xml"
    write_junit([wrong], path)
    text = path.read_text(encoding="utf-8")
    assert graded.SECRET not in text
    assert graded.ADVICE not in text
    root = ElementTree.fromstring(text)
    assert root[0].get("name") == 'a"<[31m&.toy'
    assert "counts <from> 1" in root[0].find("testcase/failure").text


def test_every_status_of_the_contract_but_pass_has_an_element():
    from typing import get_args

    from autograder.results import Status

    assert set(TAGS) == set(get_args(Status)) - {"pass", "partial"}
