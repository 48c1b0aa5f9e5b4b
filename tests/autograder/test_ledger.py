"""The ledger loses nothing, repeats nothing, and never puts trouble of ours before a score."""

import os
import sqlite3

import pytest
from ledger_jobs import failed, job, scored

from autograder.ledger import NAME, Ledger, LedgerError, read_gradebook


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def entered(out, *pairs, **options):
    """Plan jobs and enter their results, in a run of its own; return what was to do."""
    with Ledger(out) as ledger:
        plan = ledger.plan([one for one, _ in pairs], **options)
        for one, result in pairs:
            if one in plan.to_do and result:
                ledger.enter(one, result)
    return plan.to_do


def scores(out):
    return {grade.result.student: grade.result.score for grade in read_gradebook(out)}


def test_what_has_a_score_is_kept_and_the_rest_is_left_to_do(out, tmp_path):
    ada, bob = job(tmp_path, "ada"), job(tmp_path, "bob")
    assert entered(out, (ada, scored(ada)), (bob, None)) == [ada, bob]
    with Ledger(out) as ledger:
        assert ledger.waiting() == 1
        plan = ledger.plan([ada, bob])
    assert (plan.to_do, plan.kept) == ([bob], 1)
    assert scores(out) == {"ada": 2.0}


def test_a_late_submission_joins_those_that_were_graded_before(out, tmp_path):
    ada, bob = job(tmp_path, "ada"), job(tmp_path, "bob")
    entered(out, (ada, scored(ada)))
    entered(out, (bob, scored(bob, 1.0)))
    assert scores(out) == {"ada": 2.0, "bob": 1.0}


def test_the_earlier_score_counts_until_the_changed_file_has_one(out, tmp_path):
    first = job(tmp_path)
    entered(out, (first, scored(first, 1.0)))
    second = job(tmp_path, text="y = 2\n")
    assert entered(out, (second, None)) == [second]
    assert scores(out) == {"ada": 1.0}
    entered(out, (second, scored(second, 2.0)))
    assert scores(out) == {"ada": 2.0}
    # And back: that content has its score already.
    assert entered(out, (first, None)) == []
    assert scores(out) == {"ada": 1.0}


def test_trouble_of_ours_never_takes_the_place_of_a_score(out, tmp_path):
    first = job(tmp_path)
    entered(out, (first, scored(first, 1.0)))
    second = job(tmp_path, text="y = 2\n")
    entered(out, (second, failed(second)))
    (grade,) = read_gradebook(out)
    assert (grade.failed, grade.result.score, grade.result.status) == (True, 1.0, "graded")
    assert "earlier score" in (grade.result.problem or "")
    assert "no memory left" in (grade.result.problem or "")
    assert entered(out, (second, scored(second, 2.0))) == [second]
    (grade,) = read_gradebook(out)
    assert (grade.failed, grade.result.score, grade.result.problem) == (False, 2.0, None)


def test_trouble_from_the_start_is_an_open_score_and_tried_again(out, tmp_path):
    ada = job(tmp_path)
    entered(out, (ada, failed(ada)))
    (grade,) = read_gradebook(out)
    assert (grade.failed, grade.result.status, grade.result.score) == (True, "infrastructure", None)
    assert entered(out, (ada, None)) == [ada]


def test_grading_again_keeps_the_old_score_until_there_is_a_new_one(out, tmp_path):
    ada = job(tmp_path)
    entered(out, (ada, scored(ada, 1.0)))
    assert entered(out, (ada, failed(ada)), again=True) == [ada]
    assert scores(out) == {"ada": 1.0}
    # Killed in between, the next run goes on without being told again.
    assert entered(out, (ada, scored(ada, 2.0))) == [ada]
    assert scores(out) == {"ada": 2.0}
    assert entered(out, (ada, None)) == []


def test_a_score_given_at_a_lower_level_than_asked_for_is_not_kept(out, tmp_path):
    ada = job(tmp_path)
    entered(out, (ada, scored(ada, isolation="process")))
    assert entered(out, (ada, None), minimum="process") == []
    assert entered(out, (ada, None), minimum="landlock") == [ada]


def test_a_submission_that_was_downloaded_again_is_shown_where_it_is_now(out, tmp_path):
    ada = job(tmp_path)
    entered(out, (ada, scored(ada)))
    (tmp_path / "new").mkdir()
    moved = job(tmp_path / "new")
    assert entered(out, (moved, None)) == []
    (grade,) = read_gradebook(out)
    assert grade.result.path == str(tmp_path / "new" / "ada.py")


def test_a_job_that_was_entered_twice_is_there_once(out, tmp_path):
    ada = job(tmp_path)
    with Ledger(out) as ledger:
        ledger.plan([ada, ada])
        ledger.enter(ada, failed(ada))
        ledger.enter(ada, scored(ada))
    with sqlite3.connect(out / NAME) as sql:
        assert sql.execute("SELECT count(*) FROM results").fetchone() == (1,)
        assert sql.execute("SELECT attempts FROM jobs").fetchone() == (2,)
    sql.close()


def test_one_process_grades_into_a_folder_and_others_may_read(out, tmp_path):
    ada = job(tmp_path)
    with Ledger(out) as ledger:
        ledger.plan([ada])
        ledger.enter(ada, scored(ada))
        assert scores(out) == {"ada": 2.0}
        with pytest.raises(LedgerError, match=f"process \\({os.getpid()}\\)"):
            Ledger(out)
    Ledger(out).close()


def test_what_is_no_ledger_is_told(out, tmp_path):
    with pytest.raises(LedgerError, match="grade into it first"):
        read_gradebook(tmp_path)
    out.mkdir()
    (out / NAME).write_bytes(b"no database" * 100)
    with pytest.raises(LedgerError, match="file is not a database"):
        Ledger(out)
    (out / NAME).unlink()
    Ledger(out).close()
    with sqlite3.connect(out / NAME) as sql:
        sql.execute("PRAGMA user_version = 7")
    sql.close()
    with pytest.raises(LedgerError, match="of version 7"):
        Ledger(out)


def test_a_failed_entry_changes_nothing(out, tmp_path):
    ada, unplanned = job(tmp_path), job(tmp_path, "bob")
    with Ledger(out) as ledger:
        ledger.plan([ada])
        with pytest.raises(LedgerError, match="FOREIGN KEY"):
            ledger.enter(unplanned, scored(unplanned))
        ledger.enter(ada, scored(ada))
    assert scores(out) == {"ada": 2.0}
