"""The same submission gets the same score: in any order, beside any others, at any level."""

import pytest
import small_class

from autograder.batch import Papers, grade_all
from autograder.sandbox import LEVELS, SandboxError
from autograder.sandboxes import Sandboxes
from autograder.submissions import discover

COUNT = 6


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("class") / "submissions"
    small_class.write(folder, COUNT)
    return discover([folder], lab=small_class.LAB)


def scores(found, level, workers):
    """Return what each student got, case by case."""
    papers = {small_class.LAB: Papers.public(small_class.lab())}
    try:
        with Sandboxes(workers, level) as sandboxes:
            results = list(grade_all(found, papers, sandboxes))
    except SandboxError as error:
        pytest.skip(f"{level} cannot be had on this machine: {error}")
    assert {one.isolation for one in results} == {sandboxes.level}
    assert level in (None, sandboxes.level)
    return {
        one.student: [
            (each.status, each.score, each.misconception, [case.status for case in each.cases])
            for each in one.exercises
        ]
        for one in results
    }


@pytest.fixture(scope="module")
def expected(found):
    return scores(found, "process", 1)


def test_the_scores_are_what_the_submissions_deserve(expected):
    names = [exercise.name for exercise in small_class.lab().exercises]
    for student, way in small_class.ways(COUNT).items():
        by_name = dict(zip(names, expected[student], strict=True))
        assert by_name["layer_norm"][0] == small_class.STATUS[way], student
        assert by_name["mlp"][0] == "pass"
        assert by_name["attention_pattern"][0] == "missing"


@pytest.mark.parametrize(
    ("level", "workers"), [(level, 1) for level in LEVELS if level != "process"] + [(None, 2)]
)
def test_backwards_and_side_by_side_at_every_level(found, expected, level, workers):
    assert scores(found[::-1], level, workers) == expected
