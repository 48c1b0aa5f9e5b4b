"""What a learner sees, in a terminal and in a notebook."""

import re
import warnings

import pytest
import torch
import toy

from autograder import check as check_module
from autograder.check import attempt_exercise, lab
from autograder.record import record_exercise
from autograder.recorded import RecordedLab, RecordingError
from autograder.render import Report
from autograder.withhold import WithheldError, withheld
from course import Config, ToyTransformer


@pytest.fixture(scope="module")
def exercise():
    return record_exercise(toy.SOURCE, toy.EXERCISE)


@pytest.fixture
def toy_lab(monkeypatch, exercise):
    recorded = RecordedLab("toy", "A toy", "m0_foundations", "none", (), "0" * 64, (exercise,))
    monkeypatch.setattr(check_module, "load_lab", lambda _name: recorded)
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    return lab("toy")


def report(exercise, answer):
    return str(Report(attempt_exercise(exercise, answer)))


def test_a_right_answer_states_the_claim(toy_lab, capsys):
    check, _ = toy_lab
    assert check(toy.row_sums) is None
    out, err = capsys.readouterr()
    assert "Right: toy/row_sums (3 of 3 cases pass)" in out
    assert "A row's sum is one number." in out
    assert err == ""


def test_a_wrong_answer_shows_check_values_misconception_and_hint(exercise):
    text = report(exercise, toy.EXERCISE.misconceptions[0].wrong)
    assert "Not yet: toy/row_sums (0 of 3 cases pass)" in text
    assert "failed check: values (case public-1)" in text
    assert re.search(r"how much: [34] of [34] entries differ", text)
    assert "first differing index: row=0" in text
    assert re.search(r"  expected: answer\[0\] = -?\d", text)
    assert re.search(r"  got: answer\[0\] = -?\d", text)
    assert "misconception: column_sums" in text
    assert "It looks as if your code sums columns" in text
    assert "hint: Which axis?" in text


def test_a_wrong_shape_names_the_axes(exercise):
    text = report(exercise, lambda matrix: matrix.sum(1, keepdim=True))
    assert "failed check: shape (case public-1)" in text
    assert "expected (row) = (" in text
    assert "misconception: keeps_axis" in text


def test_not_started_is_a_state_of_its_own(exercise):
    def stub(matrix):
        raise NotImplementedError

    attempt = attempt_exercise(exercise, stub)
    assert attempt.status == "not_started"
    assert attempt.score == 0
    assert "Replace `raise NotImplementedError()`" in str(Report(attempt))


def test_an_exception_names_the_learners_line(exercise):
    def broken(matrix):
        return matrix.sum(dim=7)

    text = report(exercise, broken)
    assert "Your code raised an exception" in text
    assert "IndexError" in text
    assert "in broken" in text


def test_an_exception_inside_the_course_names_the_learners_line(exercise):
    def row_sums(matrix):
        return ToyTransformer(Config(n_layers=0))  # pyright: ignore

    text = report(exercise, row_sums)
    assert "in row_sums, line" in text


@pytest.mark.parametrize("returned", [None, "text", 1.0, [1.0], len, torch.zeros(2, 2, 2)])
def test_other_values_lose_with_a_message(exercise, returned):
    attempt = attempt_exercise(exercise, lambda matrix: returned)
    assert attempt.score == 0
    assert attempt.status == "fail"


class Agreeable(torch.Tensor):
    """Says yes to every comparison."""

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        return torch.tensor(True)


def test_a_tensor_that_always_agrees_loses(exercise):
    answer = torch.zeros(3).as_subclass(Agreeable)
    assert attempt_exercise(exercise, lambda matrix: answer).score == 0


def test_warnings_become_advice_and_stderr_stays_silent(toy_lab, capsys):
    def row_sums(matrix):
        warnings.warn("an old function", stacklevel=1)
        return matrix.sum(1)

    check, _ = toy_lab
    check(row_sums)
    out, err = capsys.readouterr()
    assert "advice: Your code warned: an old function" in out
    assert "3 of 3 cases pass" in out
    assert err == ""


def test_a_changed_input_is_advice_without_marks(exercise):
    def row_sums(matrix):
        matrix *= 1
        total = matrix.sum(1)
        matrix.zero_()
        return total

    attempt = attempt_exercise(exercise, row_sums)
    assert attempt.status == "pass"
    assert attempt.advice == ("The argument `matrix` was changed in place: work on a copy.",)


def test_a_changed_gradient_mode_is_restored(exercise):
    def row_sums(matrix):
        torch.set_grad_enabled(False)
        return matrix.sum(1)

    attempt = attempt_exercise(exercise, row_sums)
    assert torch.is_grad_enabled()
    assert [one.partition(":")[0] for one in attempt.advice] == [
        "Gradient mode was changed for all that follows"
    ]


def test_hints_come_one_after_another_and_stay_at_the_last(toy_lab, capsys):
    _, hint = toy_lab
    for _ in range(4):
        hint(toy.row_sums)
    out = capsys.readouterr().out
    assert [line for line in out.splitlines() if line.startswith("Hint")] == [
        "Hint 1 of 3 for row_sums",
        "Hint 2 of 3 for row_sums",
        "Hint 3 of 3 for row_sums",
        "Hint 3 of 3 for row_sums",
    ]


def test_a_call_instead_of_a_function_and_an_unknown_name(toy_lab, capsys):
    check, hint = toy_lab
    check(torch.zeros(2))
    check(toy.draw_case)
    hint(3)
    out = capsys.readouterr().out
    assert "write check(my_function)" in out
    assert "toy has no exercise 'draw_case'" in out


def test_a_callable_is_found_by_the_name_it_goes_under(toy_lab, capsys):
    check, _ = toy_lab
    source = "row_sums = lambda matrix: matrix.sum(1)\ncheck(row_sums)"
    exec(source, {"check": check})
    assert "3 of 3 cases pass" in capsys.readouterr().out


def test_under_nbgrader_the_score_is_returned(toy_lab, monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    check, _ = toy_lab
    assert check(toy.row_sums) == 2.0
    assert check(toy.as_student(lambda matrix: matrix.sum(0))) == 0.0
    assert check("not a function") == 0.0


def test_the_html_has_the_same_content_and_escapes_it(exercise):
    def row_sums(matrix):
        raise ValueError("<script>alert(1)</script>")

    view = Report(attempt_exercise(exercise, row_sums))
    page = view._repr_html_()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    wrong = Report(attempt_exercise(exercise, toy.EXERCISE.misconceptions[1].wrong))
    for text in ("mean", "It looks as if your code averages", "first differing index"):
        assert text in wrong._repr_html_()


def test_a_wrong_matrix_gets_a_heat_map():
    from dataclasses import replace

    def doubled(matrix):
        return matrix * 2

    matrix_exercise = replace(
        toy.EXERCISE,
        axes="query key",
        misconceptions=tuple(
            replace(idea, wrong=wrong)
            for idea, wrong in zip(
                toy.EXERCISE.misconceptions,
                (
                    lambda matrix: matrix,
                    lambda matrix: matrix.T * 2,
                    lambda matrix: matrix + 1,
                    lambda matrix: -matrix,
                ),
                strict=True,
            )
        ),
    )
    source = replace(toy.SOURCE, answers={"row_sums": doubled})
    recorded = record_exercise(source, matrix_exercise)
    view = Report(attempt_exercise(recorded, lambda matrix: matrix))
    assert 'src="data:image/png;base64,' in view._repr_html_()
    assert "data:image" not in Report(attempt_exercise(recorded, doubled))._repr_html_()


def test_an_unknown_lab_names_the_near_match():
    with pytest.raises(RecordingError, match="there is no lab 'm3_inducton'"):
        lab("m3_inducton")


def test_a_withheld_name_refuses_under_every_alias_and_comes_back():
    import course
    from course import config

    original = course.Config
    with withheld(["course.config.Config"]):
        for module in (course, config):
            with pytest.raises(WithheldError, match=r"course\.config\.Config: this is"):
                module.Config()
            with pytest.raises(WithheldError):
                module.Config.from_dict({})
    assert course.Config is config.Config is original


def test_a_withheld_name_that_does_not_exist_is_the_authors_error():
    with pytest.raises((ImportError, AttributeError)), withheld(["course.no_such_function"]):
        pass
