"""The benchmark of grading, on a small class, public cases and without peers."""

import pytest

from autograder.batch import Papers
from autograder.bench.environment import BenchError
from autograder.bench.grading import Grading
from autograder.bench.mistakes import LAB
from autograder.recorded import load_lab


@pytest.fixture
def run(tmp_path):
    grading = Grading(tmp_path, None, 2)
    grading.papers = Papers.public(load_lab(LAB))
    return grading


def test_what_is_above_the_bare_code_is_ours_less_that(run):
    run.time_ours("one worker", 1)
    run.time_bare()
    rows = {row.name: row for row in run.finish()}
    [ours], [bare] = run.times["one worker"], run.times["bare"]
    over = rows["limit: above the bare cost of its code"]
    assert over.ours == pytest.approx(1000 * (ours - bare))
    assert over.limit == 60
    assert len(list((run.folder / "results").iterdir())) == 2


def test_a_wrong_grade_is_no_benchmark(run):
    run.class_[0].wrong["induction_score"] = "largest_entry"  # which is not in the answer
    with pytest.raises(BenchError, match=r"s01, m3_induction/induction_score: expected largest_e"):
        run.time_ours("one worker", 1)
