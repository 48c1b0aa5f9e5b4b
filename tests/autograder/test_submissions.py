import json
import os
import re
import shutil
from pathlib import Path

import nbformat
import pytest

from autograder import names, opening
from autograder.build import build
from autograder.magics import turn_off
from autograder.paths import Rooms
from autograder.submissions import SubmissionError, read

FIXTURE = Path(__file__).parents[1] / "data" / "build"
LAB = "m9_fixture"
EXERCISES = ["twice", "mean_of_rows"]
TWICE = "def twice(x):\n    return 2 * x"
MEAN = "def mean_of_rows(table, *, keep=False):\n    return table.mean(1)"
STUB = "def twice(x):\n    # YOUR CODE HERE\n    raise NotImplementedError()"


@pytest.fixture(scope="module")
def rooms(tmp_path_factory):
    clone = tmp_path_factory.mktemp("clone")
    shutil.copytree(FIXTURE, clone, dirs_exist_ok=True)
    build(rooms=Rooms.at(clone))
    return Rooms.at(clone)


@pytest.fixture
def solved(rooms):
    """Return the solved notebook, to be broken by the test."""
    return nbformat.read(rooms.solutions / f"{LAB}.ipynb", as_version=4)


@pytest.fixture
def hand_in(tmp_path, rooms):
    """Return a function that writes what a student hands in and reads it as the grader does."""

    def write_and_read(content, suffix=".ipynb", exercises=EXERCISES, lab=LAB):
        path = tmp_path / f"{lab}{suffix}"
        if isinstance(content, dict):
            content = json.dumps(content)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read(path, lab, exercises, rooms)

    return write_and_read


def script(*cells):
    return "\n\n".join(f"# %%{cell}" for cell in cells) + "\n"


def notebook(*sources):
    cells = [
        {"cell_type": "code", "metadata": {}, "source": source, "outputs": [], "execution_count": 1}
        for source in sources
    ]
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def answer(notebook, name):
    """Return the cell that nbgrader marks as the answer to `name`."""
    ids = [cell.metadata.get("nbgrader", {}).get("grade_id") for cell in notebook.cells]
    return notebook.cells[ids.index(f"{LAB}-{name}")]


def answering(submission, name):
    """Return the one cell that was chosen for an exercise."""
    [cell] = [cell for cell in submission.cells if cell.exercise == name]
    return cell


def run(submission):
    """Run this test's own harmless cells in order, as the child would."""
    space = {}
    for cell in submission.cells:
        if cell.kind != "setup" and "autograder" not in cell.source:
            exec(cell.source, space)
    return space


class TestFinding:
    def test_by_grade_id(self, hand_in, solved):
        found = hand_in(solved)
        assert found.entries == {"twice": "twice", "mean_of_rows": "mean_of_rows"}
        assert found.mended == []
        assert "2 * x" in answering(found, "twice").source
        assert [cell.kind for cell in found.cells] == ["code", "code", "answer", "answer", "code"]
        assert answering(found, "twice").index == 5

    def test_by_our_metadata_when_nbgraders_is_gone(self, hand_in, solved):
        for cell in solved.cells:
            cell.metadata.pop("nbgrader", None)
        found = hand_in(solved)
        assert set(found.entries) == set(EXERCISES)
        assert found.mended == []

    def test_by_the_mark_of_a_script(self, hand_in, rooms):
        found = hand_in(rooms.exercise(LAB, ".py").read_bytes(), ".py")
        assert set(found.entries) == set(EXERCISES)
        assert found.mended == []
        assert "NotImplementedError" in answering(found, "twice").source

    def test_by_name_when_all_metadata_is_lost(self, hand_in, solved):
        for cell in solved.cells:
            cell.metadata.clear()
        found = hand_in(solved)
        assert set(found.entries) == set(EXERCISES)
        assert len(found.mended) == 1
        assert re.search("marks.*lost.*`twice`, `mean_of_rows`", found.mended[0])

    def test_a_function_may_be_made_without_def(self, hand_in):
        inner = "if True:\n    def mean_of_rows(t): 0"
        found = hand_in(notebook("import torch\ntwice = lambda x: 2 * x", inner))
        assert set(found.entries) == set(EXERCISES)
        found = hand_in(notebook("try:\n    a, twice = 1, abs\nexcept E: pass"))
        assert set(found.entries) == {"twice"}

    def test_a_name_that_is_only_used_or_inner_is_no_answer(self, hand_in):
        found = hand_in(
            notebook("y = twice(1)", "class A:\n    def twice(x): 0", "def f():\n twice = 1")
        )
        assert found.entries == {}
        assert found.mended == ["No cell defines `twice`, `mean_of_rows`."]

    def test_an_import_of_the_name_is_no_answer(self, hand_in):
        assert hand_in(notebook("from somewhere import twice")).entries == {}

    def test_checks_are_never_taken(self, hand_in, solved):
        solved.cells.append(nbformat.v4.new_code_cell("check(twice)\nhint(twice)"))
        solved.cells.append(nbformat.v4.new_code_cell("### BEGIN HIDDEN TESTS\nassert 1"))
        tampered = next(cell for cell in solved.cells if cell.source == "check(twice)")
        tampered.source = "print(1.0)"
        found = hand_in(solved)
        assert not any("check(" in cell.source or "HIDDEN" in cell.source for cell in found.cells)
        assert not any("print" in cell.source for cell in found.cells)

    def test_an_answer_written_into_a_check_cell_is_kept(self, hand_in, solved):
        check = next(cell for cell in solved.cells if cell.source == "check(twice)")
        answer(solved, "twice").source = ""
        check.source = f"{TWICE}\ncheck(twice)"
        found = hand_in(solved)
        assert found.entries["twice"] == "twice"
        assert any("is a check but defines a function" in said for said in found.mended)

    def test_a_submission_to_another_lab_says_so(self, hand_in):
        found = hand_in(
            notebook('from autograder import lab\ncheck, hint = lab("m0_other")', "x = 1")
        )
        assert found.entries == {}
        assert "It looks like a submission to m0_other, not to m9_fixture." in found.mended


class TestMending:
    def test_the_last_of_duplicated_cells_wins(self, hand_in, solved):
        copy = nbformat.from_dict(dict(answer(solved, "twice")))
        copy.source = "def twice(x):\n    return x + x"
        solved.cells.append(copy)
        found = hand_in(solved)
        assert run(found)["twice"](3) == 6
        assert [c.source for c in found.cells if "twice" in c.source] == [copy.source]
        assert any("defined more than once (also in 5): cell 10" in said for said in found.mended)

    def test_the_cell_with_the_grade_id_beats_a_later_scratch_cell(self, hand_in, solved):
        answer(solved, "twice").source = TWICE
        solved.cells.append(nbformat.v4.new_code_cell("def twice(x):\n    return 'scratch'"))
        found = hand_in(solved)
        assert run(found)["twice"](3) == 6

    def test_an_empty_stub_does_not_hide_the_answer_elsewhere(self, hand_in, solved):
        stub = answer(solved, "twice")
        stub.source = STUB
        solved.cells.insert(2, nbformat.v4.new_code_cell(TWICE))
        found = hand_in(solved)
        assert run(found)["twice"](3) == 6
        assert any("found in cell 3, not in the cell meant for it" in said for said in found.mended)

    def test_an_untouched_stub_stays_one(self, hand_in, rooms):
        found = hand_in(rooms.exercise(LAB).read_bytes())
        assert set(found.entries) == set(EXERCISES)
        with pytest.raises(NotImplementedError):
            run(found)["twice"](3)

    def test_a_finished_function_with_the_stubs_raise_left_below_counts(self, hand_in):
        left = "def twice(x):\n    return 2 * x\n    raise NotImplementedError()"
        found = hand_in(notebook(left, STUB))
        assert run(found)["twice"](3) == 6

    def test_a_deleted_answer_is_missing_and_said(self, hand_in, solved):
        solved.cells.remove(answer(solved, "twice"))
        found = hand_in(solved)
        assert set(found.entries) == {"mean_of_rows"}
        assert found.mended == ["No cell defines `twice`."]

    def test_reordered_answers_are_all_found(self, hand_in, solved):
        one, two = (solved.cells.index(answer(solved, name)) for name in EXERCISES)
        solved.cells[one], solved.cells[two] = solved.cells[two], solved.cells[one]
        found = hand_in(solved)
        assert set(found.entries) == set(EXERCISES)
        assert found.mended == ["The answers stand in another order than in the lab."]

    @pytest.mark.parametrize("where", ["deleted", "moved"])
    def test_the_labs_first_cells_are_put_back(self, hand_in, solved, where):
        imports = next(cell for cell in solved.cells if cell.source.startswith("import torch"))
        solved.cells.remove(imports)
        if where == "moved":
            solved.cells.append(imports)
        solved.cells.append(nbformat.v4.new_code_cell("torch.ones(1)"))
        found = hand_in(solved)
        assert found.cells[0].kind == "setup"
        assert found.cells[0].index == 0
        assert found.cells[0].source == imports.source
        assert len(found.mended) == 1
        assert "put back" in found.mended[0]

    def test_first_cells_that_nothing_needs_stay_away(self, tmp_path):
        path = tmp_path / f"{LAB}.py"
        path.write_text(script(f"\n{TWICE}", "\nprint(used)"))
        setup = ["shown = 1", "import base", "used = base.make()", "shown = 2"]
        rooms = Rooms.at(tmp_path / "clone")
        rooms.exercises.mkdir(parents=True)
        cells = [*(f"\n{cell}" for cell in setup), ' exercise="twice"\n']
        (rooms.exercises / f"{LAB}.py").write_text(script(*cells))
        found = read(path, LAB, ["twice"], rooms)
        assert [c.source for c in found.cells if c.kind == "setup"] == setup[1:3]

    def test_a_renamed_function_is_graded_under_its_new_name(self, hand_in, solved):
        answer(solved, "twice").source = "def helper(x): return x\ndef double(x): return 2 * x"
        answer(solved, "mean_of_rows").source = MEAN.replace("mean_of_rows", "row_mean")
        found = hand_in(solved)
        assert found.entries["mean_of_rows"] == "row_mean"
        assert found.entries["twice"] in ("helper", "double")
        assert any(
            "`mean_of_rows` was renamed to `row_mean` in cell 7" in said for said in found.mended
        )

    def test_a_renamed_function_beside_a_definition_of_the_name_elsewhere(self, hand_in, solved):
        answer(solved, "twice").source = "def double(x): return 2 * x"
        solved.cells.append(nbformat.v4.new_code_cell("twice = double"))
        found = hand_in(solved)
        assert found.entries["twice"] == "twice"
        assert run(found)["twice"](3) == 6

    def test_answers_in_each_others_cells(self, hand_in, solved):
        answer(solved, "twice").source = MEAN
        answer(solved, "mean_of_rows").source = TWICE
        found = hand_in(solved)
        assert found.entries == {"twice": "twice", "mean_of_rows": "mean_of_rows"}
        assert answering(found, "twice").source == TWICE

    def test_two_answers_in_one_cell(self, hand_in, solved):
        answer(solved, "twice").source = f"{TWICE}\n\n{MEAN}"
        solved.cells.remove(answer(solved, "mean_of_rows"))
        found = hand_in(solved)
        assert found.entries == {"twice": "twice", "mean_of_rows": "mean_of_rows"}
        assert sum("def " in cell.source for cell in found.cells) == 1

    def test_a_slip_in_one_cell_of_a_script_stays_in_it(self, hand_in):
        text = script("", ' exercise="twice" points=2\ndef twice(x:\n    return', f"\n{MEAN}")
        found = hand_in(text, ".py")
        assert found.entries == {"twice": "twice", "mean_of_rows": "mean_of_rows"}
        assert answering(found, "mean_of_rows").source == MEAN

    @pytest.mark.parametrize("slip", ["", "\n\nx = (\n"])
    def test_a_plain_script_is_split_at_its_functions(self, hand_in, slip):
        text = f"import math\nimport os\n\n@cache\n{TWICE}\n\nprint(1)\n\n{MEAN}{slip}\n"
        found = hand_in(text, ".py")
        assert set(found.entries) == set(EXERCISES)
        assert answering(found, "twice").source.startswith("@cache\ndef twice")
        assert "no `# %%` lines" in found.mended[0]
        assert "def mean" not in answering(found, "twice").source

    def test_nbconverts_script_export(self, hand_in):
        magic = "get_ipython().run_line_magic('pip', 'install x')"
        head = f"#!/usr/bin/env python\n# coding: utf-8\n\n# In[1]:\n\n\n{magic}"
        text = f"{head}\n\n# In[ ]:\n\n{TWICE}\n"
        found = hand_in(text, ".py", exercises=["twice"])
        assert set(found.entries) == {"twice"}
        assert magic in [cell.source for cell in found.cells]
        assert any("`get_ipython().run_line_magic('pip', 'ins" in said for said in found.mended)


class TestMagics:
    @pytest.mark.parametrize(
        ("source", "becomes"),
        [
            ("%matplotlib inline\nx = 1", "# %matplotlib inline\nx = 1"),
            ("!pip install torch\nx = 1", "# !pip install torch\nx = 1"),
            ("!pip install \\\n    torch\nx = 1", "# !pip install \\\n#     torch\nx = 1"),
            ("%%time\nx = 1", "# %%time\nx = 1"),
            ("\n%%capture out\nx = 1", "\n# %%capture out\nx = 1"),
            ("%%bash\npip install x", "# %%bash\n# pip install x"),
            ("%%writefile a.py\nx = 1", "# %%writefile a.py\n# x = 1"),
            ("?print\nx = 1\nprint??", "# ?print\nx = 1\n# print??"),
            ("files = !ls\nt = %timeit -o 1", "# files = !ls\n# t = %timeit -o 1"),
            ("if x:\n    !ls\ny = 1", "if x:\n    pass  # !ls\ny = 1"),
            ("x = (7\n  % 2)\n!ls", "x = (7\n  % 2)\n# !ls"),
            ("x = 7 \\\n  % 2\n!ls", "x = 7 \\\n  % 2\n# !ls"),
            ('s = """\n!ls (\n"""\n!ls', 's = """\n!ls (\n"""\n# !ls'),
            ("s = 'it\\'s ('\n# a ( here\n%time x", "s = 'it\\'s ('\n# a ( here\n# %time x"),
        ],
    )
    def test_lines_are_read_past_in_their_place_and_run_as_written(self, hand_in, source, becomes):
        assert turn_off(source)[0] == becomes
        compile(becomes, "cell", "exec")
        found = hand_in(notebook(source, TWICE), exercises=["twice"])
        assert found.cells[0].source == source

    @pytest.mark.parametrize(
        ("source", "told"),
        [
            ("!pip install torch", True),
            ("%pip install torch", True),
            ("%%bash\nls", True),
            ("files = !ls", True),
            ("%matplotlib inline", False),
            ("%%time\nx = 1", False),
            ("%run mine.py", False),
        ],
    )
    def test_only_of_commands_the_student_is_told(self, hand_in, source, told):
        found = hand_in(notebook(source, TWICE), exercises=["twice"])
        assert any("Shell commands are off" in said for said in found.mended) is told

    def test_an_answer_under_a_cell_magic_is_found(self, hand_in):
        found = hand_in(notebook(f"%%time\n{TWICE}"), exercises=["twice"])
        assert answering(found, "twice").source == f"%%time\n{TWICE}"

    @pytest.mark.parametrize(
        "source", ["x = 7\\\n% 2", "s = '''\n%time\n'''", "x = 1 !", "x = 'a?"]
    )
    def test_what_is_no_magic_stays(self, hand_in, source):
        found = hand_in(notebook(source, TWICE), exercises=["twice"])
        assert found.cells[-2].source == source
        assert turn_off(source) == (source, [])

    def test_many_are_counted_not_listed(self, hand_in):
        found = hand_in(notebook("\n".join(["!ls"] * 9), TWICE), exercises=["twice"])
        assert "and 4 more" in found.mended[0]


class TestOldAndOddFiles:
    def test_notebook_format_3(self, hand_in):
        cell = {"cell_type": "code", "input": [f"{TWICE}\n"], "language": "python", "metadata": {}}
        heading = {"cell_type": "heading", "level": 1, "source": "T"}
        old = {"nbformat": 3, "metadata": {}, "worksheets": [{"cells": [heading, cell]}, None]}
        found = hand_in(old, exercises=["twice"])
        assert answering(found, "twice").index == 2
        assert "older format" in found.mended[0]

    def test_byte_order_mark_and_windows_line_ends(self, hand_in, solved):
        for cell in solved.cells:
            cell.source = cell.source.replace("\n", "\r\n")
        found = hand_in(b"\xef\xbb\xbf" + json.dumps(solved).encode())
        assert set(found.entries) == set(EXERCISES)
        assert not any("\r" in cell.source for cell in found.cells)
        assert [said.split()[0] for said in found.mended] == ["A", "Windows"]
        text = script(f"\n{TWICE}").replace("\n", "\r\n")
        found = hand_in(b"\xef\xbb\xbf" + text.encode(), ".py", exercises=["twice"])
        assert answering(found, "twice").source == TWICE
        assert "Windows line ends were read as plain ones." in found.mended

    def test_utf_16_and_latin_1(self, hand_in):
        text = script(f"\n# é\n{TWICE}")
        found = hand_in(text.encode("utf-16"), ".py", exercises=["twice"])
        assert "UTF-16" in found.mended[0]
        assert "# é" in answering(found, "twice").source
        found = hand_in(text.encode("latin-1"), ".py", exercises=["twice"])
        assert "not UTF-8" in found.mended[0]
        assert found.entries == {"twice": "twice"}

    def test_a_lone_surrogate_cannot_break_what_is_passed_on(self, hand_in):
        found = hand_in(notebook(f"s = '\ud800'\n{TWICE}"), exercises=["twice"])
        assert "?" in found.cells[-1].source
        found.cells[-1].source.encode("utf-8")

    def test_outputs_are_ignored_whatever_they_hold(self, hand_in):
        content = notebook(TWICE)
        content["cells"][0]["outputs"] = [{"data": {"image/png": "A" * 3_000_000}}, 7, None]
        assert hand_in(content, exercises=["twice"]).entries == {"twice": "twice"}

    def test_odd_cells_are_skipped(self, hand_in):
        content = notebook(TWICE, ["x = 1\n", None, "y = 2"], {"a": 1})
        content["cells"][0]["metadata"] = {"nbgrader": [], "glassbox": "x", "exercise": {}}
        content["cells"] += [
            None,
            7,
            {"cell_type": "code"},
            {"cell_type": ["code"]},
            {"source": "x"},
        ]
        found = hand_in(content, exercises=["twice"])
        assert [c.source for c in found.cells if c.kind != "setup"] == [TWICE, "x = 1\ny = 2"]

    @pytest.mark.parametrize(
        "source",
        [
            "-" * 50_000 + "1",
            "a" + ".a" * 100_000,
            "x=" * 50_000 + "1",
            "not " * 60_000 + "1",
            "\\d '",
            "[" * 900,
            "import a" + ".a" * 20_000,
            "import a" + " \\\n.\\\n a" * 6000,
            "from a·" + ".a·" * 12_000 + " import b",
        ],
    )
    def test_hostile_code_is_only_a_cell_that_will_fail(self, hand_in, source):
        found = hand_in(notebook(source, f"raise NotImplementedError({'(' * 90}{')' * 90})", TWICE))
        assert found.entries == {"twice": "twice"}

    @pytest.mark.parametrize("name", ["a", "a·", "é"])
    def test_what_parses_in_square_time_is_not_parsed(self, name):
        assert names.parse(f"import a{f'.{name}' * 99}") is not None
        assert names.parse(f"import a{f'.{name}' * 100}") is None
        assert names.parse(f"x = 1; from a{f' .{name}' * 100} import b") is None

    def test_a_long_cell_is_not_parsed_but_kept(self, hand_in):
        filler = "x = '" + "-" * names.MAX_PARSED + "'"
        found = hand_in(notebook(f"{TWICE}\n\n{filler}"), exercises=["twice"])
        assert found.entries == {"twice": "twice"}
        assert answering(found, "twice").source.endswith(filler)
        assert names.parse(filler) is None

    def test_nothing_is_executed(self, hand_in, tmp_path):
        trap = f"open({str(tmp_path / 'ran')!r}, 'w')"
        hand_in(notebook(f"{trap}\n!touch {tmp_path / 'ran'}", trap, TWICE))
        hand_in(f"{trap}\n{TWICE}", ".py")
        assert not (tmp_path / "ran").exists()

    def test_empty_script(self, hand_in):
        found = hand_in("", ".py")
        assert found.cells == []
        assert found.entries == {}


class TestUnreadable:
    @pytest.mark.parametrize(
        ("content", "suffix", "message"),
        [
            (b"{ not json", ".ipynb", "is not JSON"),
            (b"", ".ipynb", "is not JSON"),
            (TWICE.encode(), ".ipynb", "is not JSON"),
            (b"[" * 200_000, ".ipynb", "is not JSON"),
            (b"1" * 10_000, ".ipynb", "JSON"),
            (b"\xff\x00\xfe", ".ipynb", "not text"),
            (b"x = 1\x00", ".py", "not text"),
            (b"[]", ".ipynb", "no list of cells"),
            (b'{"cells": {}}', ".ipynb", "no list of cells"),
            (b'{"worksheets": 3}', ".ipynb", "no list of cells"),
            (b'{"worksheets": [{"cells": 5}]}', ".ipynb", "no list of cells"),
            (b'{"worksheets": [{"cells": {"a": 1}}]}', ".ipynb", "no list of cells"),
            (b"# %%\nx\n" * 2001, ".py", "2,001 cells of code, at most 2,000"),
            (b"x = 1\n" * 200_000, ".py", "more than 300,000 characters"),
        ],
    )
    def test_one_line_says_what_and_where(self, hand_in, content, suffix, message):
        with pytest.raises(SubmissionError, match=message) as caught:
            hand_in(content, suffix)
        assert f"{LAB}{suffix}" in str(caught.value)
        assert "\n" not in str(caught.value)

    def test_too_many_cells_of_a_notebook(self, hand_in):
        with pytest.raises(SubmissionError, match="at most 2,000 are read; remove"):
            hand_in(notebook(*["x"] * 2001))
        assert len(hand_in(notebook(*["x"] * 1999, TWICE)).cells) == 2000

    def test_too_large(self, hand_in, monkeypatch):
        monkeypatch.setattr(opening, "MAX_BYTES", 1_000_000)
        with pytest.raises(SubmissionError, match="larger than 1 MB"):
            hand_in(b" " * 1_000_001)

    def test_missing_folder_and_pipe(self, tmp_path):
        with pytest.raises(SubmissionError, match="No such file"):
            read(tmp_path / "none.ipynb", LAB, EXERCISES)
        with pytest.raises(SubmissionError, match="is not a file"):
            read(tmp_path, LAB, EXERCISES)
        os.mkfifo(tmp_path / "pipe.ipynb")
        with pytest.raises(SubmissionError, match="is not a file"):
            read(tmp_path / "pipe.ipynb", LAB, EXERCISES)
