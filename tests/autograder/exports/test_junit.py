"""JUnit XML: the structure of xunit2, who failed and who was never there, nothing hidden."""

from xml.etree import ElementTree

import pytest
import some_results

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


def test_a_case_is_a_test_case_with_the_exercise_as_its_class():
    (suite,) = parsed(some_results.result(some_results.exercise(statuses=("pass", "fail"))))
    passed, failed = suite.findall("testcase")
    assert passed.get("classname") == "m3_induction.induction_score"
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
    (suite,) = parsed(some_results.result(some_results.exercise(statuses=(status, status))))
    assert len(suite.findall(f"testcase/{tag}")) == 2


def test_a_submission_without_cases_is_an_error_that_somebody_looks_at():
    open_ = some_results.result(some_results.without_grade("infrastructure", None))
    torn = some_results.result(
        some_results.without_grade("unreadable", 0.0), student="bob", status="unreadable"
    )
    unknown = some_results.result(
        student="eve", lab="unknown", status="unreadable", problem="rename it"
    )
    root = parsed(open_, torn, unknown)
    assert root.get("errors") == "3"
    kinds = [element.get("type") for element in root.iter("error")]
    assert kinds == ["infrastructure", "unreadable", "unreadable"]
    assert root[0].find("properties/property[@name='score']").get("value") == ""
    assert root[2].find("testcase/error").get("message") == "rename it"


def test_points_are_properties_of_the_suite():
    (suite,) = parsed(some_results.result(some_results.exercise(statuses=("pass", "fail"))))
    facts = {one.get("name"): one.get("value") for one in suite.iter("property")}
    assert (facts["score"], facts["max_score"]) == ("1", "2")
    assert (facts["student"], facts["isolation"]) == ("ada", "landlock")


def test_nothing_of_the_hidden_cases_and_nothing_that_xml_cannot_hold(tmp_path):
    wrong = some_results.exercise(
        statuses=("fail", "error"), misconception="off_by_one", explanation="counts\x00 <from> 1"
    )
    path = tmp_path / "deep" / "junit.xml"
    write_junit([some_results.result(wrong, student='a"<\x1b[31m&\ufffe')], path)
    text = path.read_text(encoding="utf-8")
    assert some_results.SECRET_WORDS not in text
    root = ElementTree.fromstring(text)
    assert root[0].get("name") == 'a"<[31m&.m3_induction'
    assert "counts <from> 1" in root[0].find("testcase/failure").text


def test_every_status_of_the_contract_but_pass_has_an_element():
    from typing import get_args

    from autograder.results import Status

    assert set(TAGS) == set(get_args(Status)) - {"pass", "partial"}
