import ast
import json
import shutil
from pathlib import Path

import jupytext
import nbformat
import pytest
from nbgrader.nbgraderformat import MetadataValidator
from nbgrader.utils import compute_checksum

from autograder.build import build
from autograder.paths import RoomMissingError, Rooms
from autograder.script import ScriptError, read_script
from autograder.spec import Exercise, Lab

FIXTURE = Path(__file__).parents[1] / "data" / "build"
LAB = "m9_fixture"
SOURCE = (FIXTURE / "solutions" / f"{LAB}.py").read_text()


@pytest.fixture
def rooms(tmp_path):
    shutil.copytree(FIXTURE, tmp_path / "clone")
    return Rooms.at(tmp_path / "clone")


@pytest.fixture
def built(rooms):
    build(rooms=rooms)
    return rooms


def notebook(path):
    return nbformat.read(path, as_version=4)


def answers(notebook):
    return [cell for cell in notebook.cells if "glassbox" in cell.metadata]


def spec(*exercises):
    nothing = {
        "title": "",
        "claim": "",
        "objective": "",
        "minutes": 1,
        "difficulty": 1,
        "axes": "",
        "case": dict,
        "misconceptions": (),
        "hints": ("", "", ""),
    }
    made = tuple(Exercise(name=name, points=points, **nothing) for name, points in exercises)
    return Lab(name=LAB, title="", module="m9", model="", exercises=made)


class TestDerivedFiles:
    def test_three_files_are_written_and_then_nothing_drifts(self, rooms):
        written = {drift.path for drift in build(rooms=rooms)}
        assert written == {
            rooms.exercises / f"{LAB}.ipynb",
            rooms.exercises / f"{LAB}.py",
            rooms.solutions / f"{LAB}.ipynb",
        }
        assert build(rooms=rooms, check=True) == []
        assert sorted(path.name for path in rooms.exercises.iterdir()) == [
            f"{LAB}.ipynb",
            f"{LAB}.py",
        ]

    def test_bytes_depend_on_the_source_alone(self, built, tmp_path):
        shutil.copytree(FIXTURE, tmp_path / "elsewhere")
        other = Rooms.at(tmp_path / "elsewhere")
        build(rooms=other)
        for suffix in (".ipynb", ".py"):
            assert (
                built.exercise(LAB, suffix).read_bytes() == other.exercise(LAB, suffix).read_bytes()
            )

    def test_check_writes_nothing_and_names_each_drift(self, built):
        built.exercise(LAB).unlink()
        built.exercise(LAB, ".py").write_text("edited by hand")
        (built.solutions / "old_lab.ipynb").write_text("{}")
        found = {drift.path.name: drift.what for drift in build(rooms=built, check=True)}
        assert "missing" in found[f"{LAB}.ipynb"]
        assert "source" in found[f"{LAB}.py"]
        assert "no source" in found["old_lab.ipynb"]
        assert not (built.exercises / f"{LAB}.ipynb").exists()
        assert built.exercise(LAB, ".py").read_text() == "edited by hand"

    def test_a_stray_is_reported_but_kept(self, built):
        stray = built.exercises / "my_notes.ipynb"
        stray.write_text("{}")
        assert [drift.path for drift in build(rooms=built)] == [stray]
        assert build([LAB], rooms=built) == []
        assert stray.exists()

    def test_nothing_is_written_when_one_of_two_labs_is_broken(self, rooms):
        (rooms.solutions / "z_broken.py").write_text("def (")
        with pytest.raises(ScriptError, match=r"z_broken\.py, line 1: not valid Python"):
            build(rooms=rooms)
        assert not rooms.exercises.exists()

    def test_an_unknown_lab_is_named_beside_the_known(self, rooms):
        with pytest.raises(RoomMissingError, match=f"no lab 'm8'.*{LAB}"):
            build(["m8"], rooms=rooms)

    def test_a_release_without_solutions_says_so(self, tmp_path):
        with pytest.raises(RoomMissingError, match="no solutions"):
            build(rooms=Rooms.at(tmp_path))


class TestNotebook:
    def test_nbgrader_accepts_it_and_its_checksums_hold(self, built):
        for path in (built.exercise(LAB), built.solutions / f"{LAB}.ipynb"):
            made = notebook(path)
            nbformat.validate(made)
            MetadataValidator().validate_nb(made)
        marked = [
            cell for cell in notebook(built.exercise(LAB)).cells if "nbgrader" in cell.metadata
        ]
        assert len(marked) == 5
        for cell in marked:
            assert cell.metadata.nbgrader.checksum == compute_checksum(cell)

    def test_metadata_is_nbgraders_schema_with_ours_beside_it(self, built):
        cells = notebook(built.exercise(LAB)).cells
        by_id = {
            cell.metadata.nbgrader.grade_id: cell for cell in cells if cell.metadata.get("nbgrader")
        }
        answer, tests = by_id[f"{LAB}-twice"].metadata, by_id[f"{LAB}-twice-check"].metadata
        assert answer.nbgrader.solution
        assert not answer.nbgrader.grade
        assert not answer.nbgrader.locked
        assert "points" not in answer.nbgrader
        assert answer.tags == ["exercise"]
        assert answer.glassbox == {"v": 1, "exercise": f"{LAB}/twice", "entry": "twice"}
        assert answer.deletable is False
        assert "editable" not in answer
        assert tests.nbgrader.grade
        assert tests.nbgrader.locked
        assert tests.nbgrader.points == 2
        assert tests.editable is False
        assert by_id[f"{LAB}-twice-check"].source == "check(twice)"
        assert by_id[f"{LAB}-lab"].metadata.nbgrader.locked
        assert by_id[f"{LAB}-mean_of_rows-check"].metadata.nbgrader.points == 1.5

    def test_stubs_keep_signature_and_docstring_and_nothing_else(self, built):
        solved = answers(notebook(built.solutions / f"{LAB}.ipynb"))
        stubs = answers(notebook(built.exercise(LAB)))
        assert len(stubs) == 2
        for stub, solution in zip(stubs, solved, strict=True):
            ours, theirs = ast.parse(stub.source).body[0], ast.parse(solution.source).body[0]
            assert ast.unparse(ours.args) == ast.unparse(theirs.args)
            assert ast.unparse(ours.returns) == ast.unparse(theirs.returns)
            assert ast.get_docstring(ours, clean=False) == ast.get_docstring(theirs, clean=False)
        assert stubs[0].source.endswith(
            '    """\n    # YOUR CODE HERE\n    raise NotImplementedError()'
        )
        assert "2 * x" in solved[0].source
        assert "### BEGIN SOLUTION" in solved[0].source

    def test_no_solution_reaches_the_exercises(self, built):
        for suffix in (".ipynb", ".py"):
            text = built.exercise(LAB, suffix).read_text()
            assert "SOLUTION" not in text
            assert "2 * x" not in text
            assert "row.mean" not in text

    def test_ids_are_derived_outputs_empty_and_no_tool_leaves_its_version(self, built):
        for path in (built.exercise(LAB), built.solutions / f"{LAB}.ipynb"):
            made = json.loads(path.read_text())
            ids = [cell["id"] for cell in made["cells"]]
            assert len(set(ids)) == len(ids)
            assert set(made["metadata"]) == {"kernelspec", "language_info"}
            assert "jupytext" not in path.read_text()
            assert "lines_to_next_cell" not in path.read_text()
            for cell in made["cells"]:
                assert not cell.get("outputs")
                assert cell.get("execution_count") is None

    def test_the_cell_id_moves_with_lab_index_and_tag_only(self, built):
        first = [cell.id for cell in notebook(built.exercise(LAB)).cells]
        source = built.solution(LAB)
        source.write_text(SOURCE.replace("Small numbers", "Tiny numbers"))
        build(rooms=built)
        assert [cell.id for cell in notebook(built.exercise(LAB)).cells] == first


class TestStudentScript:
    def test_it_is_python_and_reads_back_as_the_notebook(self, built):
        text = built.exercise(LAB, ".py").read_text()
        ast.parse(text)
        again = jupytext.reads(text, fmt="py:percent")
        sources = [cell.source for cell in notebook(built.exercise(LAB)).cells]
        assert [cell.source for cell in again.cells] == sources

    def test_it_keeps_the_marks_that_answers_are_found_by(self, built):
        text = built.exercise(LAB, ".py").read_text()
        assert '# %% exercise="twice" points=2\ndef twice(' in text
        assert '# %% exercise="mean_of_rows" points=1.5\n' in text
        assert "# %% check\ncheck(twice)\n" in text


class TestSpecAgrees:
    def test_an_agreeing_spec_changes_nothing(self, built):
        agreeing = spec(("twice", 2), ("mean_of_rows", 1.5))
        assert build([LAB], rooms=built, check=True, spec=lambda lab: agreeing) == []

    def test_points_that_differ_are_both_said(self, rooms):
        other = spec(("twice", 3), ("mean_of_rows", 1.5))
        with pytest.raises(ScriptError, match=r"twice with points=2.*twice with points=3"):
            build([LAB], rooms=rooms, spec=lambda lab: other)

    @pytest.mark.parametrize("names", [["twice"], ["twice", "mean_of_rows", "more"]])
    def test_exercises_that_differ_are_both_listed(self, rooms, names):
        points = {"twice": 2, "mean_of_rows": 1.5, "more": 1}
        other = spec(*((name, points[name]) for name in names))
        with pytest.raises(ScriptError, match=r"'mean_of_rows'\], but autograder/labs has"):
            build([LAB], rooms=rooms, spec=lambda lab: other)


class TestRefusals:
    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            (
                "    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION",
                "    return 2",
                "without",
            ),
            ("    return 2 * x\n    ### END SOLUTION", "    return 2 * x", "unbalanced"),
            ("    ### BEGIN SOLUTION\n    return 2 * x\n", "    return 2 * x\n", "unbalanced"),
            (
                "    ### BEGIN SOLUTION\n    return",
                "    ## BEGIN SOLUTION\n    return",
                "unbalanced",
            ),
            ("    return 2 * x\n", "    ### BEGIN SOLUTION\n    return 2 * x\n", "unbalanced"),
            ("check(twice)", "check(thrice)", "no exercise cell before"),
            ("# %% check\ncheck(twice)\n", "", "'twice' has no check cell"),
            ("check(twice)", "check(twice)\nassert twice", "holds only check"),
            ("check(twice)", "check(twice)\n\n# %% check\ncheck(twice)", "two check cells"),
            ('exercise="mean_of_rows"', 'exercise="twice"', "function is called 'mean_of_rows'"),
            ("mean_of_rows", "twice", "two exercise cells for 'twice'"),
            ('lab("m9_fixture")', 'lab("m3_induction")', "first code cell must be exactly"),
            ("from autograder import lab\n", "import torch\n", "first code cell must be exactly"),
            (" points=2", "", "points=None must be a number"),
            ("points=2", "points=0", "points=0 must be a number"),
            ("points=2", 'points="2"', "points='2' must be a number"),
            ("points=2", "points=2 colour=1", "unknown marks"),
            ('exercise="twice"', 'exercise="Twice!"', "function's name"),
            ("torch.arange(3)", "x = 1  ### BEGIN SOLUTION", "outside an exercise"),
            ("*no* model", "*no* ### BEGIN SOLUTION", "outside an exercise"),
            ("def twice(", "helper = 1\ndef twice(", "one function and nothing else"),
            ('    """Return the mean of each row."""\n', "", "no docstring"),
            ("torch.arange(3)", "torch.arange(3", "line 48: not valid Python"),
            ("# %%\ntorch", "# %% [raw]\n# torch", "raw cell"),
            ("# %%\ntorch", "# %% chekc\ntorch", "unknown marks"),
        ],
    )
    def test_each_slip_has_its_own_message(self, old, new, message):
        assert old in SOURCE
        with pytest.raises(ScriptError, match=message) as caught:
            read_script(SOURCE.replace(old, new), LAB)
        assert str(caught.value).startswith(f"{LAB}.py")
        assert "\n" not in str(caught.value)

    def test_a_script_without_code_is_refused(self):
        with pytest.raises(ScriptError, match="no code cell"):
            read_script("# %% [markdown]\n# Only text\n", LAB)

    def test_a_docstring_inside_the_markers_would_be_lost(self, rooms):
        docstring = '    """Return the mean of each row."""\n'
        zeros, begin = "    mean = torch.zeros(len(table))\n", "    ### BEGIN SOLUTION\n"
        assert docstring + zeros + begin in SOURCE
        rooms.solution(LAB).write_text(
            SOURCE.replace(docstring + zeros + begin, begin + docstring + zeros)
        )
        with pytest.raises(ScriptError, match=r"mean_of_rows: stripping changes .* docstring"):
            build(rooms=rooms)
        assert not rooms.exercises.exists()
