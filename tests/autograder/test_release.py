import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from autograder.paths import RoomMissingError, Rooms
from autograder.recorded import load_lab
from autograder.release import CHECKING, release
from autograder.script import ScriptError

LAB = "m0_toy_transformer"

# Runs in a clean process that sees nothing of this clone: the unpacked folder is its only home.
USE = """
import json, os, sys, pathlib
from autograder import lab
check, hint = lab(sys.argv[1])
space, shown = {}, {}
for name, source in json.load(open(sys.argv[2])).items():
    exec(compile(source, name + ".py", "exec"), space)
for name in json.load(open(sys.argv[3])):
    hint(space[name])
    check(space[name])
    os.environ["NBGRADER_EXECUTION"] = "validate"
    shown[name] = check(space[name])
    del os.environ["NBGRADER_EXECUTION"]
home = pathlib.Path.cwd()
ours = [m for n, m in sys.modules.items() if n.partition(".")[0] in ("autograder", "course")]
print("RESULT", json.dumps({
    "scores": shown,
    "modules": sorted(n for n in sys.modules if n.partition(".")[0] == "autograder"),
    "outside": [m.__file__ for m in ours if not pathlib.Path(m.__file__).is_relative_to(home)],
}))
"""


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    return release([LAB], tmp_path_factory.mktemp("out") / "labs.zip")


@pytest.fixture(scope="module")
def unpacked(packed, tmp_path_factory):
    home = tmp_path_factory.mktemp("student")
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(home)
    return home / "glassbox"


def cells_with(notebook, mark):
    """Return the sources of marked cells: exercise -> source."""
    cells = json.loads(notebook.read_text())["cells"]
    marked = [cell for cell in cells if mark in cell["metadata"]]
    return {cell["metadata"][mark]["entry"]: "".join(cell["source"]) for cell in marked}


def setup(notebook):
    """Return the lab's import cells, in one."""
    sources = []
    for cell in json.loads(notebook.read_text())["cells"]:
        if "glassbox" in cell["metadata"]:
            break
        if cell["cell_type"] == "code" and "autograder" not in "".join(cell["source"]):
            sources.append("".join(cell["source"]))
    return "\n".join(sources)


def use(unpacked, tmp_path, sources):
    """Check answers in a process whose import path is the release, and no site of this clone."""
    exercises = [exercise.name for exercise in load_lab(LAB).exercises]
    (tmp_path / "answers.json").write_text(json.dumps(sources))
    (tmp_path / "names.json").write_text(json.dumps(exercises))
    (tmp_path / "use.py").write_text(f"import sys; sys.path[0] = {str(unpacked)!r}\n{USE}")
    done = subprocess.run(
        [
            sys.executable,
            tmp_path / "use.py",
            LAB,
            tmp_path / "answers.json",
            tmp_path / "names.json",
        ],
        cwd=unpacked,
        env={"PATH": os.defpath, "HOME": str(tmp_path), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT "))
    return json.loads(line.removeprefix("RESULT ")), done.stdout


class TestContents:
    def test_neither_solutions_nor_specs_nor_what_grades_for_credit(self, unpacked):
        files = [path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*")]
        assert not [
            name for name in files if re.search("solutions|labs/|spec|bank|record.py", name)
        ]
        assert not [name for name in files if "__pycache__" in name]
        for path in unpacked.rglob("*"):
            if path.suffix in (".py", ".ipynb"):
                assert "### BEGIN SOLUTION" not in path.read_text(), path

    def test_exercises_references_course_and_a_start(self, unpacked):
        rooms = Rooms.here()
        for suffix in (".ipynb", ".py"):
            assert (unpacked / f"{LAB}{suffix}").read_bytes() == rooms.exercise(
                LAB, suffix
            ).read_bytes()
        names = {path.name for path in (unpacked / "autograder/references").iterdir()}
        assert names == {f"{LAB}.json", f"{LAB}.safetensors"}
        assert {path.name for path in (unpacked / "autograder").glob("*.py")} == set(CHECKING)
        assert (unpacked / "course/model.py").is_file()
        assert list((unpacked / "course/zoo/weights").glob("*.safetensors"))
        assert f"Open {LAB}.ipynb" in (unpacked / "README.txt").read_text()

    def test_its_pyproject_asks_for_what_is_needed_only(self, unpacked):
        project = tomllib.loads((unpacked / "pyproject.toml").read_text())["project"]
        names = {re.match(r"[\w-]+", line)[0] for line in project["dependencies"]}
        assert {"torch", "einops", "jaxtyping", "safetensors", "jupyterlab", "ipykernel"} <= names
        assert not names & {"nbgrader", "jupytext", "typer", "pytest", "platformdirs"}

    def test_the_same_labs_give_the_same_bytes(self, packed, tmp_path):
        again = release([LAB, LAB], tmp_path)
        assert again == tmp_path / "glassbox-labs.zip"
        assert again.read_bytes() == packed.read_bytes()


@pytest.mark.slow
class TestCheckingWithoutTheClone:
    def test_solutions_pass_and_nothing_else_is_imported(self, unpacked, tmp_path):
        solved = Rooms.here().solutions / f"{LAB}.ipynb"
        sources = {"setup": setup(solved), **cells_with(solved, "glassbox")}
        result, shown = use(unpacked, tmp_path, sources)
        points = {exercise.name: exercise.points for exercise in load_lab(LAB).exercises}
        assert result["scores"] == points
        assert result["outside"] == []
        parts = {f"autograder.{Path(name).stem}" for name in CHECKING} - {"autograder.__init__"}
        assert result["modules"] == sorted(parts | {"autograder"})
        assert load_lab(LAB).exercises[0].hints[0][:20] in " ".join(shown.split())

    def test_stubs_score_nothing(self, unpacked, tmp_path):
        stubs = unpacked / f"{LAB}.ipynb"
        sources = {"setup": setup(stubs), **cells_with(stubs, "glassbox")}
        result, _ = use(unpacked, tmp_path, sources)
        assert set(result["scores"].values()) == {0.0}


class TestRefusals:
    def test_unknown_and_no_labs(self, tmp_path):
        with pytest.raises(RoomMissingError, match=f"no lab 'm99'.*{LAB}"):
            release(["m99"], tmp_path / "out.zip")
        with pytest.raises(RoomMissingError, match="at least one lab"):
            release([], tmp_path / "out.zip")
        assert list(tmp_path.iterdir()) == []

    def test_a_lab_without_tensors_or_exercises(self, tmp_path):
        rooms = Rooms.at(tmp_path)
        rooms.references.mkdir(parents=True)
        rooms.exercises.mkdir()
        (rooms.references / "m9.json").write_text("{}")
        with pytest.raises(
            RoomMissingError, match=r"m9\.safetensors is missing; run `glassbox rec"
        ):
            release(["m9"], tmp_path / "out.zip", rooms=rooms)
        (rooms.references / "m9.safetensors").write_text("")
        with pytest.raises(RoomMissingError, match=r"no lab 'm9' in .*exercises"):
            release(["m9"], tmp_path / "out.zip", rooms=rooms)

    def test_an_exercise_that_holds_a_solution(self, tmp_path):
        rooms = Rooms.at(tmp_path)
        for folder, suffix in [(rooms.references, s) for s in (".json", ".safetensors")] + [
            (rooms.exercises, s) for s in (".ipynb", ".py")
        ]:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"m9{suffix}").write_text("### BEGIN SOLUTION")
        with pytest.raises(ScriptError, match="holds a solution"):
            release(["m9"], tmp_path / "out.zip", rooms=rooms)

    def test_a_failed_write_leaves_the_old_file_and_no_other(self, packed, tmp_path, monkeypatch):
        target = tmp_path / "labs.zip"
        target.write_bytes(b"old")
        monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
        with pytest.raises(OSError, match="disk full"):
            release([LAB], target)
        assert [path.name for path in tmp_path.iterdir()] == ["labs.zip"]
        assert target.read_bytes() == b"old"
