"""Cells run as in a notebook: magics, await, plots and bars work, shell commands do not."""

import pytest

PLOT = "import matplotlib.pyplot as plt\nplt.figure(); plt.plot([1, 2]); plt.show()"
WORKS = {
    "await": "import asyncio\nasync def slow(): return 5\nv = await asyncio.wait_for(slow(), 9)",
    "a line magic": "%matplotlib inline\nv = 5",
    "a timed cell": "%%time\nv = 5",
    "a timed line": "%timeit -n1 -r1 sum(range(9))\nv = 5",
    "captured output": "%%capture shown\nprint('hi')\nv = 5",
    "a figure": f"{PLOT}\nv = 5",
    "a bar": "from tqdm.auto import tqdm\nfor _ in tqdm(range(3)): v = 5",
    "a notebook's bar": "from tqdm.notebook import tqdm\nfor _ in tqdm(range(3)): v = 5",
    "display": "from IPython.display import HTML\ndisplay(HTML('<b>x</b>'))\nv = 5",
    "the last value": "v = 4\nv + 1",
    "help": "len?\nv = 5",
}


@pytest.mark.parametrize("source", WORKS.values(), ids=WORKS)
def test_what_works_in_a_notebook_works_here(start, source):
    student = start(source, "v = v if v == 5 else _", "def f(): return v")
    assert student.call("f", {}).value == 5, student.cells


def test_cells_find_nothing_that_they_have_not_made(start):
    names = "names = sorted(name for name in globals() if not name.startswith('_'))"
    student = start(names, "def f(): return [names, len(In), Out, get_ipython().execution_count]")
    made = ["In", "Out", "exit", "get_ipython", "open", "quit"]
    assert student.call("f", {}).value == [made, 1, {}, 1], student.cells


def test_figures_are_closed_with_their_cell(start):
    student = start(PLOT, "def f(): return len(plt.get_fignums())")
    assert student.call("f", {}).value == 0


def test_a_written_module_can_be_imported(start):
    student = start("%%writefile mine.py\nk = 3", "import mine\ndef f(): return mine.k")
    assert student.call("f", {}).value == 3


def test_functions_can_display(start):
    student = start("def f(x):\n    display(x)\n    return str(get_ipython()) != ''")
    assert student.call("f", {"x": 1}).value is True


@pytest.mark.parametrize(
    "source",
    ["!touch here", "%%bash\ntouch here", "%system touch here", "v = !touch here", "%pip -h"],
)
def test_shell_commands_say_that_they_are_off(start, source):
    student = start(source, "import os\ndef f(): return os.listdir('.')")
    assert student.call("f", {}).value == []
    assert [cell.status for cell in student.cells] == ["ok", "ok"]
    student.close()
    assert "Shell commands are off" in student.output


@pytest.mark.parametrize(
    ("source", "status", "says"),
    [
        ("1 / 0", "error", "ZeroDivisionError: division by zero\ncell 1, line 1: 1 / 0"),
        ("def oops(:", "error", "SyntaxError"),
        ("%nosuch", "error", "UsageError"),
        ("raise KeyboardInterrupt", "error", "KeyboardInterrupt"),
        ("import sys; sys.exit(3)", "crash", "sys.exit(3)"),
        ("exit()", "crash", "ended early"),
    ],
)
def test_a_failing_cell_is_recorded_and_the_next_runs(start, source, status, says):
    student = start(source, "def f(): return 1")
    assert student.cells[0].status == status
    assert says in student.cells[0].message
    assert student.call("f", {}).value == 1
