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
    grading.ours.papers = Papers.public(load_lab(LAB))
    return grading


@pytest.mark.slow
def test_what_is_above_the_bare_code_is_ours_less_that(run):
    ours, bare = run.ours.grade(1), run.ours.run_bare()
    assert ours > 0 < bare
    run.times["one worker"].append(ours)
    run.times["bare"].append(bare)
    rows = {row.name.partition(":")[0]: row for row in run.finish()}
    assert rows["limit"].ours == pytest.approx(1000 * (ours - bare))
    assert rows["limit"].limit == 60
    assert len(list(run.folder.glob("ledger-*/results/*.json"))) == 2


@pytest.mark.slow
def test_a_wrong_grade_is_no_benchmark(run):
    run.class_[0].wrong["induction_score"] = "largest_entry"  # which is not in the answer
    with pytest.raises(BenchError, match=r"s01, m3_induction/induction_score: expected largest_e"):
        run.ours.grade(1)
