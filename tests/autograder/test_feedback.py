"""What students are told of hidden cases: enough to think with, nothing to climb on."""

import pytest
from graded import graded

from autograder.feedback import feedback, notes
from autograder.results import CaseResult, ExerciseResult


def result(status, *cases, **more):
    return ExerciseResult(id="lab/f", status=status, score=0, max_score=1, cases=cases, **more)


def case(status="fail", **more):
    return CaseResult(id="hidden-3", passed=status == "pass", status=status, **more)


def test_a_misconception_comes_with_its_hint_and_without_numbers():
    wrong = case(failed_check="values", message="values: answer[0] = 0.1325, got 0.7")
    told = feedback(
        result(
            "partial",
            case("pass"),
            wrong,
            misconception="reads_offset_t",
            explanation="It looks one place too far.",
            hint="Where does the pattern begin?",
        )
    )
    assert told.splitlines() == [
        "1 of 2 hidden cases pass. Failed check: values.",
        "misconception: reads_offset_t",
        "It looks one place too far.",
        "hint: Where does the pattern begin?",
    ]


@pytest.mark.parametrize("status", ["error", "timeout", "memory", "crash", "invalid_output"])
def test_a_student_cannot_speak_through_it(status):
    told = feedback(result(status, case(status, message="secret = 0.25"), advice=["secret = 0.25"]))
    assert "secret" not in told
    assert "0.25" not in told


def test_pythons_own_errors_are_named_and_a_students_are_not():
    assert "IndexError" in feedback(result("error", case("error", message="IndexError: 17")))
    assert "raised an error" in feedback(result("error", case("error", message="Seventeen: 1")))


@pytest.mark.parametrize("status", ["pass", "not_started", "missing", "infrastructure"])
def test_every_status_is_a_sentence(status):
    cases = [] if status == "infrastructure" else [case(status)]
    assert feedback(result(status, *cases)).endswith(".")


def test_notes_say_what_was_mended_and_not_what_cells_said():
    told = notes(
        graded(
            "ada",
            ["pass"],
            mended=["`f` was renamed."],
            cell_problems=["cell 3: error: Secret: 0.25"],
        )
    )
    assert told == ["`f` was renamed.", "cell 3 stopped when it ran: error"]
