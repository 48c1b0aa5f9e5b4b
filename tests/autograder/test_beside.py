"""Values in a terminal: what differs is marked, axes are named, nothing steers the terminal."""

import io

import pytest
import torch
from rich.console import Console

from autograder.beside import beside, described, one, printable


def printed(part, width=80):
    console = Console(width=width, file=io.StringIO())
    console.print(part, markup=False, highlight=False)
    return console.file.getvalue()


def row(text, name):
    return next(line.split() for line in text.splitlines() if line.split()[:1] == [name])


def test_a_vector_is_two_rows_with_a_mark_at_what_differs():
    expected = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
    text = printed(beside(expected, torch.tensor([1.0, 2.5, 3.0]), "head", 1e-6))
    assert row(text, "head") == ["head", "0", "1", "2"]
    assert row(text, "expected") == ["expected", "1", "2", "3"]
    assert row(text, "got") == ["got", "1", "2.5*", "3"]


def test_a_small_difference_can_be_seen():
    expected = torch.tensor([1.0], dtype=torch.float64)
    text = printed(beside(expected, expected + 1e-7, "head", 1e-8))
    assert row(text, "got")[1] == "1.0000001*"


def test_a_large_tensor_is_a_window_at_the_first_difference():
    expected = torch.zeros(3, 4, 50, 60)
    got = expected.clone()
    got[1, 2, 30, 40] = 7
    text = printed(beside(expected, got, "batch head query key", 1e-6), width=200)
    cut = "at batch=1, head=2 (8 of 50 rows, 12 of 60 columns)"
    assert f"expected {cut}" in text
    assert f"got {cut}" in text
    assert text.count("7*") == 1
    assert "query \\ key" in text
    assert (
        max(map(len, printed(beside(expected, got, "batch head query key", 1e-6)).split("\n")))
        <= 80
    )


def test_containers_are_compared_part_by_part():
    expected = {"heads": {(0, 1)}, "scores": (1.0, 2.0)}
    got = {"heads": {(0, 2)}, "scores": [1.0, 3.0]}
    text = printed(beside(expected, got, {"heads": "", "scores": ""}, 1e-6))
    assert "in ['heads']" in text
    assert "got*: {(0, 2)}" in text
    assert "got: 1.0" in text
    assert "got*: 3.0" in text


@pytest.mark.parametrize(
    ("got", "told"),
    [
        (torch.zeros(3, 1), "got*: float32 (3, 1)"),
        (None, "got*: None"),
        (torch.zeros(0), "got*: float32 (0,)"),
        ([1.0, 2.0, 3.0], "got*: list of 3"),
        (torch.zeros(3, dtype=torch.complex64), "0+0j*"),
    ],
)
def test_an_answer_of_another_form_is_shown_as_it_is(got, told):
    expected = torch.ones(3, dtype=torch.float64)
    text = printed(beside(expected, got, "head", 1e-6))
    assert told in text
    assert "float64 (head) = (3,)" in text or "expected" in text


def test_inputs_are_described_with_their_axes_and_shown_where_they_matter():
    pattern = torch.arange(2 * 3 * 4 * 4).reshape(2, 3, 4, 4)
    text = printed(one("pattern", pattern, "batch head query key", {"head": 2}))
    assert "pattern: int64 (batch, head, query, key) = (2, 3, 4, 4)" in text
    assert "at batch=0, head=2" in text
    assert row(text, "0") == ["0", "32", "33", "34", "35"]
    assert printed(one("period", 7)) == "period: 7\n"
    assert "x[1]: 'b'" in printed(one("x", ["a", "b"]))
    assert "and 88 more" in printed(one("x", [*range(100)]))


def test_a_model_is_described_by_its_configuration():
    from course import Config, ToyTransformer

    model = ToyTransformer(Config(n_layers=1, d_model=4, n_ctx=4, d_head=2, n_heads=2, d_vocab=5))
    assert described(model).startswith("ToyTransformer, Config(n_layers=1, d_model=4")


def test_nothing_that_a_student_returns_steers_the_terminal():
    hostile = {"\x1b[2J": "\x1b]0;title\x07", "b": "[red]\u202e"}
    text = printed(one("got", hostile))
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "[red]" in text
    assert printable("a\nb\x1b") == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}"
    assert len(printable("a" * 10_000)) < 400
