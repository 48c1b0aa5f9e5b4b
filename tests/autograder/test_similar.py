"""A copy with other names is found; other code, and other meanings of equal names, are not."""

import importlib
import inspect
import re

import pytest

from autograder.paths import Rooms
from autograder.recorded import load_lab
from autograder.results import ExerciseResult
from autograder.similar import LEAST_SIZE, Definitions, mark_equal_code, own_digests
from autograder.submissions import Cell, Submission

ORIGINAL = '''
import torch
from einops import rearrange

def scores(pattern, period):
    """Average a stripe."""
    stripe = pattern.diagonal(-period, dim1=-2, dim2=-1)  # one value per query
    def worth(head):
        return sum(value * 2 for value in stripe[head])
    return rearrange(torch.stack([worth(head) for head in range(3)]), "h -> h 1")
'''


def form(*sources, entry="scores"):
    return Definitions(sources).normal_form(entry)


def changed(*replacements):
    source = ORIGINAL
    for old, new in replacements:
        assert old in source
        source = source.replace(old, new)
    return source


@pytest.mark.parametrize(
    "copy",
    [
        changed(("stripe", "diagonal_of_mine"), ("pattern.d", "p.d"), ("(pattern,", "(p,")),
        changed(
            ("  # one value per query", "\n\n\n    # mine\n"), ('"""Average a stripe."""', "pass")
        ),
        changed(("value * 2", "(v * 2)"), ("for value in", "for v in")),
        changed(
            ("worth", "weight"),
            ("def weight(head)", "def weight(h: int) -> float"),
            ("[head])", "[h])"),
        ),
        changed(
            ("stripe =", "stripe: torch.Tensor ="),
            ("    def worth", "    later: int\n    def worth"),
        ),
        changed(("import torch", "import torch as t"), ("torch.stack", "t.stack")),
        changed(
            ("from einops import rearrange", ""),
            ("    stripe =", "    from einops import rearrange\n    stripe ="),
        ),
        changed(('"h -> h 1"', "'h -> h 1'"), ("-2, dim2", "-2,\n        dim2")),
    ],
)
def test_names_layout_and_annotations_say_nothing(copy):
    assert copy != ORIGINAL
    assert form(copy) == form(ORIGINAL)


@pytest.mark.parametrize(
    "other",
    [
        changed(("-period", "-(period - 1)")),
        changed(("value * 2", "value * 3")),
        changed(("stripe[head]", "pattern[head]")),
        changed(("dim1=-2, dim2=-1", "dim1=-1, dim2=-2")),
        changed(("from einops import rearrange", "from mine import rearrange")),
        changed(("(pattern, period)", "(period, pattern)")),
    ],
)
def test_what_is_computed_counts(other):
    assert form(other) != form(ORIGINAL)


def test_a_helper_in_another_cell_belongs_to_the_answer():
    answer = "def scores(pattern): return helper(pattern) * SCALE"
    one = "SCALE = 2\ndef helper(x): return x + 1"
    assert form(one, answer) == form(
        "def other(y): return y + 1",
        "FACTOR: int = 2",
        answer.replace("helper", "other").replace("SCALE", "FACTOR"),
    )
    assert form(one, answer) != form(one.replace("+", "-"), answer)
    assert form(one, answer) != form(one.replace("2", "3"), answer)
    assert form(one, answer) == form("def helper(x): return 0", one, "unused = 1", answer)


def test_an_argument_hides_a_global_of_its_name():
    answer = "def scores(model): return model + 1"
    assert form("model = 7", answer) == form(answer)


def test_recursion_global_and_match_keep_their_meaning():
    one = """
def scores(x):
    global total
    match x:
        case [first, *rest] if rest:
            total = first
            return scores(rest)
        case {"key": value, **others}:
            return value, others
        case int() as number:
            return number
    try:
        return (y := x) + y
    except ValueError as error:
        raise KeyError from error
"""
    two = one
    for old, new in [
        ("first", "a"),
        ("rest", "b"),
        ("value", "c"),
        ("others", "d"),
        ("number", "e"),
        ("error", "f"),
        ("y", "g"),
    ]:
        two = re.sub(rf"\b{old}\b", new, two)
    assert two != one
    assert form(two) == form(one)
    assert form(one.replace("    global total", "")) != form(one)


def test_a_class_keeps_its_attributes():
    box = "class Box:\n    size = 1\n    def get(self): return self.size\n"
    one = box + "def scores(x): return Box().get() + x"
    assert form(one.replace("Box", "Crate").replace("self", "me")) == form(one)
    assert form(one.replace("size", "width")) != form(one)


@pytest.mark.parametrize(
    "source",
    [
        "def scores(:",
        "x = 1",
        "def scores(x): return " + "-" * 3000 + "x",
        "def scores(x): return 0x" + "f" * 10_000,
        "def scores(x): return [" + "x," * 22_000 + "]",
    ],
)
def test_what_cannot_be_read_has_no_fingerprint(source):
    assert Definitions([source]).fingerprint("scores") is None


def test_code_without_end_is_not_read_to_its_end():
    chain = [f"def f{n}(x): return f{n + 1}([{'x, ' * 200}])" for n in range(1000)]
    assert Definitions([*chain, "def scores(x): return f0(x)"]).fingerprint("scores") is None


def test_no_honest_answer_equals_another():
    ours = 0
    for lab in Rooms.here().recorded_labs():
        module = importlib.import_module(lab)
        written = Definitions([inspect.getsource(module)])
        for exercise in load_lab(lab).exercises:
            found = [
                written.fingerprint(one.__name__) for one in module.ALTERNATIVES[exercise.name]
            ]
            digests = [one.sha256 for one in found if one] + [*own_digests(lab)[exercise.name]]
            assert len(set(digests)) == len(found) + 1, exercise.id
            ours += 1
    assert ours >= 15


def test_the_shipped_answers_below_the_least_size_are_few():
    sizes = {}
    for lab in Rooms.here().recorded_labs():
        text = Rooms.here().solution(lab).read_text()
        for exercise in load_lab(lab).exercises:
            sizes[exercise.id] = Definitions([text]).fingerprint(exercise.name).size
    short = [name for name, size in sizes.items() if size < LEAST_SIZE]
    assert 0 < len(short) <= len(sizes) / 3, sizes


def submission(source, entries):
    cells = [Cell(1, source, None, "code")]
    return Submission("somewhere.py", "m3_induction", "0" * 64, cells, entries, [])


def result(name, status="pass"):
    return ExerciseResult(id=f"m3_induction/{name}", status=status, score=1, max_score=1)


def test_a_renamed_copy_of_the_solution_is_marked():
    text = Rooms.here().solution("m3_induction").read_text()
    copied = text.replace("def induction_score", "def mine").replace("stripe", "band")
    entries = {"induction_score": "mine", "find_heads": "find_heads"}
    results = [result(name) for name in ("induction_score", "find_heads", "bos_accuracy")]
    ours = own_digests("m3_induction")
    mark_equal_code(results, submission(copied, entries), ours)
    assert [one.equals_solution for one in results] == [True, True, False]
    assert (results[0].code_sha256,) == ours["induction_score"]
    assert results[2].code_sha256 is None


def test_a_private_solution_is_compared_with_too(tmp_path):
    mine = (
        '# %% exercise="induction_score" points=2\ndef induction_score(p, n):\n    return p + n\n'
    )
    (tmp_path / "m3_induction.py").write_text(mine)
    for folder, equal in ((None, False), (tmp_path, True)):
        found = result("induction_score")
        ours = own_digests("m3_induction", folder)
        mark_equal_code([found], submission(mine, {"induction_score": "induction_score"}), ours)
        assert found.equals_solution is equal


def test_a_stub_has_no_fingerprint():
    stub = "def induction_score(p, n):\n    raise NotImplementedError"
    found = result("induction_score", "not_started")
    mark_equal_code([found], submission(stub, {"induction_score": "induction_score"}), {})
    assert found.code_sha256 is None
