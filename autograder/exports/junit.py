"""JUnit XML (xunit2), which CI systems and test dashboards show.

A suite is a submission, a class an exercise, a test case one call. A wrong value is a failure; what
stopped a call is an error; what was not attempted is skipped. A submission without a grade is an
error too, so that somebody looks. The texts are those that a student may read.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from autograder.feedback import feedback, reason
from autograder.files import write_atomically
from autograder.results import CaseResult, ExerciseResult, Result

TAGS = {
    "fail": "failure",
    "invalid_output": "failure",
    "error": "error",
    "timeout": "error",
    "memory": "error",
    "crash": "error",
    "unreadable": "error",
    "infrastructure": "error",
    "not_started": "skipped",
    "missing": "skipped",
}
COUNTS = {"failures": "failure", "errors": "error", "skipped": "skipped"}
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_junit(results: Iterable[Result], path: Path) -> None:
    """Write results as JUnit XML."""
    write_atomically(path, junit(results))


def junit(results: Iterable[Result]) -> bytes:
    """Return results as JUnit XML."""
    root = Element("testsuites", name="glassbox")
    for result in results:
        root.append(_suite(result))
    # The root's schema, unlike a suite's, has no count of what was skipped.
    for name in ("tests", "failures", "errors"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"


def _suite(result: Result) -> Element:
    suite = Element("testsuite", name=_text(f"{result.student}.{result.lab}"))
    cases = [case for exercise in result.exercises for case in _cases(exercise)]
    if not cases:  # a file of which not even the lab is known
        cases = [_whole(_text(result.lab), result.status, result.problem or result.status)]
    found = Counter(child.tag for case in cases for child in case)
    suite.set("tests", str(len(cases)))
    for name, tag in COUNTS.items():
        suite.set(name, str(found[tag]))
    suite.set("time", f"{sum(exercise.time_s for exercise in result.exercises):.3f}")
    suite.set("timestamp", result.graded_at)
    properties = SubElement(suite, "properties")
    facts = {
        "student": result.student,
        "lab": result.lab,
        "score": "" if result.score is None else f"{result.score:g}",
        "max_score": f"{result.max_score:g}",
        "isolation": result.isolation,
        "grader": result.grader.version,
        "bank_sha256": result.grader.bank_sha256,
    }
    for name, value in facts.items():
        SubElement(properties, "property", name=name, value=_text(value))
    suite.extend(cases)
    return suite


def _cases(exercise: ExerciseResult) -> list[Element]:
    classname = _text(exercise.id.replace("/", "."))
    if not exercise.cases:
        return [_whole(classname, exercise.status, feedback(exercise))]
    return [_case(classname, exercise, case) for case in exercise.cases]


def _whole(classname: str, status: str, told: str) -> Element:
    """Return the one test case of what has no calls."""
    element = Element("testcase", classname=classname, name="submission")
    SubElement(element, TAGS[status], type=status, message=_text(told))
    return element


def _case(classname: str, exercise: ExerciseResult, case: CaseResult) -> Element:
    element = Element("testcase", classname=classname, name=_text(case.id))
    if not case.passed:
        kind = case.failed_check or case.status
        found = SubElement(element, TAGS[case.status], type=kind, message=_text(reason(case)))
        found.text = _text(feedback(exercise))
    return element


def _text(text: str) -> str:
    """Return text without the control characters that XML has no way to write."""
    return _NOT_XML.sub("", text)
