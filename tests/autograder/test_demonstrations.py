"""Cells of the course's that a grade does without; with and without them it is the same."""

import contextlib
import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from autograder.demonstrations import demonstrations, normal

IMPORTS = "import math, random, types\nfrom copy import copy"


def left_out(demos, own):
    """Return which of the demonstrations need not run before the student's own cells."""
    cells = [IMPORTS, *demos, *own]
    shipped = {normal(cell) for cell in [IMPORTS, *demos]}
    return [cells[place] for place in sorted(demonstrations(cells, shipped)) if place]


def run(cells, last="answer()"):
    """Run cells as a notebook does, one that fails stopping none; return what the answer gives."""
    space = {}
    for cell in cells:
        with contextlib.suppress(Exception):
            exec(cell, space)
    try:
        return told(eval(last, space))
    except Exception as error:
        return type(error).__name__


def told(value, depth=3):
    """Return what a value holds, gives when it is called, and goes on with."""
    if callable(value) and depth:
        return f"gives {told(value(), depth - 1)}"
    if hasattr(value, "__next__") and depth:
        return f"goes on with {told(list(value), depth - 1)}"
    if isinstance(value, list):
        return [told(item, depth) for item in value][:20]
    if isinstance(value, dict):
        return {key: told(item, depth) for key, item in value.items()}
    return re.sub(" at 0x[0-9a-f]+", "", repr(value))


NEEDED = {
    "read inside the answer": (["shown = [1]"], ["def answer(): return shown"]),
    "read by way of another": (["a = 1", "b = a + 1"], ["def answer(): return b"]),
    "read as a default": (["shown = 1"], ["def answer(x=shown): return x"]),
    "read in an f-string": (["shown = 1"], ["def answer(): return f'{shown}'"]),
    "read in a class": (["shown = 1"], ["class A:\n    x = shown\n\ndef answer(): return A.x"]),
    "read in a comprehension": (["n = 2"], ["def answer(): return [i * n for i in range(3)]"]),
    "used as a decorator": (
        ["def twice(f): return lambda: 2 * f()"],
        ["@twice\ndef answer(): return 1"],
    ),
    "a helper and what it calls": (
        ["def inner(): return 1", "def outer(): return inner()"],
        ["def answer(): return outer()"],
    ),
    "appended to": (["x = []", "x.append(1)"], ["def answer(): return x"]),
    "an entry set": (["x = {}", "x['a'] = 1"], ["def answer(): return x"]),
    "an attribute set": (["x = types.SimpleNamespace()", "x.a = 1"], ["def answer(): return x.a"]),
    "added to": (["x = [1]", "x += [2]"], ["def answer(): return x"]),
    "changed under another name": (["x = []", "y = x", "y.append(1)"], ["def answer(): return x"]),
    "two names at once": (["x = y = []", "y.append(1)"], ["def answer(): return x"]),
    "changed inside another": (
        ["x = []", "y = {'a': x}", "y['a'].append(1)"],
        ["def answer(): return x"],
    ),
    "changed by a helper": (
        ["x = []", "def add(): x.append(1)", "add()"],
        ["def answer(): return x"],
    ),
    "given to a helper": (
        ["x = []", "def add(to): to.append(1)", "add(x)"],
        ["def answer(): return x"],
    ),
    "bound by a helper": (
        ["x = 1", "def turn():\n    global x\n    x = 2", "turn()"],
        ["def answer(): return x"],
    ),
    "an iterator moved on": (["x = iter('abc')", "next(x)"], ["def answer(): return list(x)"]),
    "shuffled by a library": (
        ["x = [1, 2, 3]", "random.Random(0).shuffle(x)"],
        ["def answer(): return x"],
    ),
    "a library's attribute": (["math.tau2 = 6"], ["def answer(): return math.tau2"]),
    "bound again after the answer": (["x = 1"], ["x = 2", "def answer(): return x"]),
    "deleted by the student": (["x = 1"], ["del x\ndone = 3", "def answer(): return done"]),
    "added to by the student": (["x = [1]"], ["x += [2]", "def answer(): return x"]),
    "looked up by its name": (["x = 1"], ["def answer(): return globals()['x']"]),
    "looked up in __main__": (
        ["x = 1"],
        ["import sys\ndef answer(): return sys.modules['__main__'].x"],
    ),
    "in code that is a string": (["x = 1"], ["def answer(): return eval('x')"]),
}


@pytest.mark.parametrize("case", NEEDED)
def test_what_a_students_cell_depends_on_runs(case):
    demos, own = NEEDED[case]
    unread = ["print('a picture')", "unread = [1]\nunread.append(2)\nassert unread"]
    left = left_out([*demos, *unread], own)
    assert not set(left) & set(demos)
    kept = [IMPORTS, *(demo for demo in [*demos, *unread] if demo not in left)]
    assert run([*kept, *own]) == run([IMPORTS, *demos, *unread, *own])


def test_what_nobody_reads_is_left_out():
    demos = [
        "figure = math.sqrt(2)\nprint(figure)",
        "assert math.isclose(figure**2, 2)",
        "def curve(x):\n    return [answer(x + late) for late in range(3)]",
        "if (found := curve(1)) is not None:\n    print(len(found))",
        "predicted = None  # a number",
    ]
    own = [
        "def answer(x):\n    figure = math.exp(x)\n    return [figure for curve in range(3)]",
    ]
    assert left_out(demos, own) == demos


def test_a_cell_that_sets_a_library_up_always_runs():
    demos = ["random.seed(3)", "math.mode = 1", "import sys\nsys.setrecursionlimit(2000)"]
    assert left_out(demos, ["def answer(): return 1"]) == []


def test_what_a_student_changed_is_the_students():
    shipped = {normal("shown = 1\nprint(shown)")}
    assert demonstrations(["shown = 1\nprint(shown)  \r\n\n"], shipped) == {0}
    assert demonstrations(["shown = 2\nprint(shown)"], shipped) == set()
    assert demonstrations(["shown = 1\nprint(shown)"] * 2, shipped) == {0, 1}


def test_a_magic_reads_the_words_in_it():
    assert left_out(["x = 1"], ["%timeit answer(x)", "def answer(y): return y"]) == []
    assert left_out(["x = 1"], ["%matplotlib inline", "def answer(y): return y"]) == ["x = 1"]


def test_a_cell_that_is_not_python_reads_the_words_in_it():
    assert left_out(["x = 1", "z = 2"], ["def answer(y) return x"]) == ["z = 2"]


def test_a_star_import_may_bind_anything():
    assert left_out(["x = 1"], ["from math import *", "def answer(): return pi"]) == []


NAMES = st.sampled_from("abc")
VALUES = st.one_of(
    st.just("[1]"),
    st.just("{'k': [1]}"),
    NAMES,
    NAMES.map(lambda name: f"[{name}]"),
    NAMES.map(lambda name: f"copy({name})"),
    NAMES.map(lambda name: f"{name}['k']"),
    NAMES.map(lambda name: f"{name}[0]"),
    NAMES.map(lambda name: f"(lambda: {name})"),
    NAMES.map(lambda name: f"{name}()"),
    NAMES.map(lambda name: f"iter({name})"),
)
STATEMENTS = st.one_of(
    st.builds("{} = {}".format, NAMES, VALUES),
    st.builds("{} = {} = {}".format, NAMES, NAMES, VALUES),
    st.builds("{}, {} = {}, {}".format, NAMES, NAMES, VALUES, VALUES),
    st.builds("{} += [{}]".format, NAMES, VALUES),
    st.builds("{}.append({})".format, NAMES, VALUES),
    st.builds("{}['k'] = {}".format, NAMES, VALUES),
    st.builds("{}[0] = {}".format, NAMES, VALUES),
    st.builds("next({})".format, NAMES),
    st.builds("del {}".format, NAMES),
    st.builds("del {}[0]".format, NAMES),
    st.builds("def {}(): return {}".format, NAMES, VALUES),
    st.builds("def {}():\n    global {}\n    {} = 5".format, NAMES, NAMES, NAMES),
    st.builds("def {}(x={}):\n    {}.append(x)".format, NAMES, VALUES, NAMES),
    st.builds("for {} in zip(range(3), {}): {}.append(0)".format, NAMES, NAMES, NAMES),
    st.builds("if {}: {}.append(7)".format, NAMES, NAMES),
    st.builds("print({})".format, NAMES),
    st.builds("{}({})".format, NAMES, NAMES),
    NAMES.map("{}()".format),
)


@given(
    st.lists(st.tuples(STATEMENTS, st.sampled_from([True, True, True, False])), max_size=10), NAMES
)
@settings(deadline=None, max_examples=400)
@example([("a = b = [1]", True), ("b.append(2)", True)], "a")
def test_leaving_cells_out_changes_no_answer(cells, name):
    """Unless a name is missing, which the grader sees, and then runs them all."""
    own = f"def answer(): return {name}"
    sources = [IMPORTS, *(source for source, _ in cells), own]
    shipped = {normal(source) for source, is_shipped in cells if is_shipped} | {normal(IMPORTS)}
    left = demonstrations(sources, shipped)
    kept = [source for place, source in enumerate(sources) if place not in left]
    assert run(kept) == run(sources)
