"""Gradescope: the zip, and what it does in a tree laid out like theirs."""

import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import time
import venv
import zipfile
from pathlib import Path

import graded
import jsonschema
import pytest

from autograder.bank import read_secret
from autograder.exports.gradescope import pack
from autograder.exports.gradescope_run import as_gradescope
from autograder.exports.handed_in import find
from autograder.paths import RoomMissingError, Rooms

ROOT = Path(__file__).resolve().parents[3]
SECRET = ROOT / "tests/data/course-secret.txt"
LAB = "m0_toy_transformer"
POINTS = 15
VISIBILITY = {"enum": ["hidden", "after_due_date", "after_published", "visible"]}
FORMAT = {"enum": ["text", "html", "simple_format", "md", "ansi"]}
# Gradescope's specification of results.json; nothing beside what it names.
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["score", "output", "stdout_visibility"],
    "properties": {
        "score": {"type": "number", "minimum": 0},
        "execution_time": {"type": "number", "minimum": 0},
        "output": {"type": "string"},
        "output_format": FORMAT,
        "test_output_format": FORMAT,
        "test_name_format": FORMAT,
        "visibility": VISIBILITY,
        "stdout_visibility": {"const": "hidden"},
        "extra_data": {"type": "object"},
        "tests": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["score", "max_score", "name", "output"],
                "properties": {
                    "score": {"type": "number", "minimum": 0},
                    "max_score": {"type": "number", "minimum": 0},
                    "status": {"enum": ["passed", "failed"]},
                    "name": {"type": "string", "minLength": 1},
                    "name_format": FORMAT,
                    "number": {"type": "string"},
                    "output": {"type": "string"},
                    "output_format": FORMAT,
                    "tags": {"type": "array", "items": {"type": "string"}},
                    "visibility": VISIBILITY,
                    "extra_data": {"type": "object"},
                },
            },
        },
    },
}
# A right answer, a wrong one, and three that try what must not work and say what came of it.
HOSTILE = """
# %% exercise="read_activation"
def read_activation(model, tokens, layer):
    _, cache = model.run_with_cache(tokens)
    return cache["resid_post", layer]

# %% exercise="layer_norm"
def layer_norm(x, w, b, eps):
    centred = x - x.mean(dim=-1, keepdim=True)
    return centred / centred.pow(2).mean(dim=-1, keepdim=True).sqrt() * w + b

# %% exercise="mlp"
def mlp(*_):
    return open("{home}/source/banks/{lab}.safetensors", "rb").read()

# %% exercise="attention_pattern"
def attention_pattern(*_):
    print('{{"score": 100}}')
    return open("{home}/results/results.json", "w").write('{{"score": 100}}')

# %% exercise="logit_difference"
def logit_difference(*_):
    import os
    return os.kill(os.getppid(), 9)
"""


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    return pack([LAB], read_secret(SECRET), tmp_path_factory.mktemp("out"))


@pytest.fixture(scope="module")
def image(packed, tmp_path_factory):
    """Return a folder with `autograder/`, and what `setup.sh` would have installed."""
    image = tmp_path_factory.mktemp("image")
    source = image / "autograder" / "source"
    with zipfile.ZipFile(packed) as archive:
        for entry in archive.infolist():
            path = Path(archive.extract(entry, source))
            path.chmod(entry.external_attr >> 16 & 0o777)
    shutil.copy(source / "run_autograder", image / "autograder")
    venv.create(image / "venv", symlinks=True)
    (packages,) = (image / "venv").glob("lib/python*/site-packages")
    for name in ("course", "autograder"):
        shutil.copytree(source / "grader" / name, packages / name)
    shared = [entry for entry in sys.path if entry.endswith("-packages")]
    (packages / "shared.pth").write_text("\n".join(shared))
    return image


class Container:
    """One submission's run, in a tree like Gradescope's."""

    def __init__(self, image, folder, **metadata):
        self.home = folder / "autograder"
        self.python = image / "venv/bin/python"
        shutil.copytree(image / "autograder", self.home)
        (self.home / "submission").mkdir()
        (self.home / "results").mkdir()
        told = {
            "id": 123456,
            "created_at": "2026-07-01T14:22:32.365935-07:00",
            "assignment": {"id": 25828, "total_points": "15.0"},
            "submission_method": "upload",
            "users": [{"email": "ada@example.edu", "id": 1234, "name": "Ada"}],
            "previous_submissions": [],
        }
        (self.home / "submission_metadata.json").write_text(json.dumps({**told, **metadata}))

    def start(self):
        return subprocess.Popen(
            [self.home / "run_autograder"],
            cwd=self.home,
            env={"PATH": os.defpath, "GLASSBOX_PYTHON": str(self.python), "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self):
        """Run to the end; return the exit status and what only instructors see."""
        process = self.start()
        printed, _ = process.communicate(timeout=120)
        return process.returncode, printed

    def results(self):
        results = json.loads((self.home / "results/results.json").read_text())
        jsonschema.validate(results, SCHEMA)
        return results


@pytest.fixture
def container(image, tmp_path):
    return lambda **metadata: Container(image, tmp_path, **metadata)


class TestZip:
    def test_files_at_the_root_with_the_rights_they_need(self, packed):
        with zipfile.ZipFile(packed) as archive:
            modes = {one.filename: one.external_attr >> 16 & 0o777 for one in archive.infolist()}
            setup = archive.read("setup.sh").decode()
            script = archive.read("run_autograder").decode()
        assert stat.S_IMODE(packed.stat().st_mode) == 0o600
        assert modes["setup.sh"] == modes["run_autograder"] == 0o755
        assert modes[f"banks/{LAB}.safetensors"] == modes[f"banks/{LAB}.key"] == 0o600
        assert script.startswith("#!/usr/bin/env python3\n")
        assert setup.startswith("#!/usr/bin/env bash\n")
        assert "{{" not in setup
        subprocess.run(["bash", "-n", "-c", setup], check=True)

    def test_neither_solutions_nor_specifications_nor_the_secret(self, packed):
        secret = read_secret(SECRET)
        with zipfile.ZipFile(packed) as archive:
            names = archive.namelist()
            assert not [name for name in names if re.search(r"solutions|labs/|lessons|\.pyc", name)]
            for name in names:
                assert secret not in archive.read(name), name
                assert b"BEGIN SOLUTION\n" not in archive.read(name), name
        references = {name for name in names if "/references/" in name}
        assert {Path(name).stem for name in references} == {LAB}

    def test_versions_are_those_that_it_was_packed_with(self, packed):
        with zipfile.ZipFile(packed) as archive:
            pins = archive.read("constraints.txt").decode().splitlines()
        names = [pin.partition("==")[0].lower() for pin in pins]
        assert len(names) == len(set(names))
        assert {"torch", "numpy", "einops"} <= set(names)
        assert not [pin for pin in pins if "+" in pin or pin.startswith("glassbox")]

    def test_the_same_labs_give_the_same_bytes(self, packed, tmp_path):
        again = pack([LAB, LAB], read_secret(SECRET), tmp_path / "again.zip")
        assert again.read_bytes() == packed.read_bytes()

    def test_unknown_and_no_labs(self, tmp_path):
        with pytest.raises(RoomMissingError, match="no lab 'm99'"):
            pack(["m99"], read_secret(SECRET), tmp_path)
        with pytest.raises(RoomMissingError, match="at least one lab"):
            pack([], read_secret(SECRET), tmp_path)
        assert list(tmp_path.iterdir()) == []


@pytest.mark.slow  # a grader is started as Gradescope starts it: torch is imported twice
class TestRun:
    def test_an_honest_notebook_by_any_name_gets_full_marks(self, container):
        here = container()
        solved = Rooms.here().solutions / f"{LAB}.ipynb"
        shutil.copy(solved, here.home / "submission" / "my work (final).ipynb")
        status, printed = here.run()
        assert status == 0, printed
        results = here.results()
        assert results["score"] == POINTS
        assert sum(test["max_score"] for test in results["tests"]) == POINTS
        assert {test["status"] for test in results["tests"]} == {"passed"}
        (facts,) = results["extra_data"]["glassbox"]
        assert facts["isolation"] in ("landlock", "namespaces")
        assert facts["student"] == "ada@example.edu"
        assert "partial" not in results["extra_data"]
        assert '"submitted_at": "2026-07-01T21:22:32Z"' in printed

    def test_a_wrong_and_hostile_script_gains_nothing(self, container):
        here = container()
        hostile = HOSTILE.format(home=here.home, lab=LAB)
        (here.home / "submission" / f"{LAB}.py").write_text(hostile)
        status, printed = here.run()
        assert status == 0, printed
        results = here.results()
        told = {test["name"]: test["output"] for test in results["tests"]}
        assert results["score"] == 1.0
        assert told["read_activation"] == "Every hidden case passes."
        assert "misconception: forgets_eps" in told["layer_norm"]
        denied = r"Your code raised (PermissionError|FileNotFoundError) on a hidden case\."
        for name in ("mlp", "attention_pattern", "logit_difference"):
            assert re.fullmatch(denied, told[name]), told[name]
        for secret in (here.home / "source", here.home / "results"):
            assert stat.S_IMODE(secret.stat().st_mode) == 0o700
        assert '{"score": 100}' not in printed.splitlines()

    def test_a_kill_in_the_middle_leaves_a_result_that_says_so(self, container):
        here = container()
        process = here.start()
        path = here.home / "results/results.json"
        while not path.exists():
            assert process.poll() is None
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        results = here.results()
        assert results["score"] == 0
        assert "Grading is in progress" in results["output"]


class TestNoGrade:
    """Trouble of ours: the grader cannot be started at all."""

    @pytest.fixture
    def broken(self, container):
        def broken(*previous):
            here = container(previous_submissions=list(previous))
            here.python = "/bin/false"
            return here

        return broken

    def test_without_an_earlier_score_it_fails_visibly_and_is_no_zero(self, broken):
        here = broken()
        status, printed = here.run()
        assert status != 0
        assert "no grade" in printed
        assert not (here.home / "results/results.json").exists()

    def test_the_last_earlier_score_stays_with_its_tests(self, broken):
        test = {"score": 2.0, "max_score": 2.0, "name": "mlp", "output": "ok"}
        older = {"submission_time": "2026-07-01T10:00:00-07:00", "score": 3.0}
        last = {
            "submission_time": "2026-07-02T10:00:00-07:00",
            "score": 2.0,
            "results": {"tests": [test], "visibility": "visible"},
        }
        failed = {
            "submission_time": "2026-07-03T10:00:00-07:00",
            "score": 0.0,
            "autograder_error": True,
        }
        killed = {
            "submission_time": "2026-07-04T10:00:00-07:00",
            "score": 0.0,
            "results": {"score": 0.0, "extra_data": {"partial": True}},
        }
        here = broken(killed, last, failed, older)
        status, printed = here.run()
        assert status == 0, printed
        results = here.results()
        assert (results["score"], results["tests"]) == (2.0, [test])
        assert "Your earlier score stays" in results["output"]


class TestFind:
    @pytest.fixture
    def hand_in(self, tmp_path):
        def hand_in(*names):
            for name in names:
                (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / name).write_text(name)
            return tmp_path

        return hand_in

    def found(self, folder, labs=(LAB,), lab=LAB):
        return find(folder, lab, list(labs), student="ada", when=None)

    @pytest.mark.parametrize(
        ("names", "taken"),
        [
            (["Untitled.ipynb", "helpers.py"], "Untitled.ipynb"),
            (["answers.py"], "answers.py"),
            ([f"{LAB}.ipynb", "other.ipynb"], f"{LAB}.ipynb"),
            ([f"repository/{LAB} (1).ipynb", "notes.ipynb"], f"{LAB} (1).ipynb"),
            ([".ipynb_checkpoints/x.ipynb", "__MACOSX/y.ipynb", "z.ipynb"], "z.ipynb"),
        ],
    )
    def test_the_file_called_like_the_lab_or_else_the_only_one(self, hand_in, names, taken):
        found = self.found(hand_in(*names))
        assert (found.path.name, found.problem) == (taken, None)

    def test_an_untouched_file_never_wins_over_an_answer(self, hand_in):
        folder = hand_in(f"{LAB}.py")
        (folder / f"{LAB}.ipynb").write_bytes(Rooms.here().exercise(LAB).read_bytes())
        assert self.found(folder).path.name == f"{LAB}.py"

    def test_of_several_it_asks_for_the_name(self, hand_in):
        problem = self.found(hand_in("a.ipynb", "b.ipynb")).problem
        assert (
            problem == f"hand in {LAB}.ipynb (or .py) under that name; there is: a.ipynb, b.ipynb"
        )
        assert "no notebook and no script" in (self.found(hand_in("x") / "nothing").problem or "")

    def test_with_several_labs_only_names_count(self, hand_in):
        labs = [LAB, "m3_induction"]
        folder = hand_in("m3_induction.ipynb")
        assert self.found(folder, labs, "m3_induction").problem is None
        assert "hand in" in (self.found(folder, labs).problem or "")

    def test_no_link_is_followed(self, hand_in, tmp_path_factory):
        elsewhere = tmp_path_factory.mktemp("source") / "bank.ipynb"
        elsewhere.write_text("{}")
        folder = hand_in("readme")
        (folder / f"{LAB}.ipynb").symlink_to(elsewhere)
        assert "is a link" in (self.found(folder).problem or "")


class TestFormat:
    def test_a_test_per_exercise_that_sums_to_the_score(self):
        result = graded.graded("ada", ["partial", "pass"], points=[2.0, 3.0])
        result.exercises[0].score = 0.5
        result.score = sum(one.score for one in result.exercises)
        told = as_gradescope([result, result], 12.34)
        jsonschema.validate(told, SCHEMA)
        assert told["score"] == sum(test["score"] for test in told["tests"]) == 7.0
        assert sum(test["max_score"] for test in told["tests"]) == 10.0
        assert [test["number"] for test in told["tests"]] == ["1.1", "1.2", "2.1", "2.2"]
        assert [test["status"] for test in told["tests"]][:2] == ["failed", "passed"]

    def test_nothing_of_the_hidden_cases_and_no_word_of_the_students(self):
        result = graded.graded(
            "ada",
            ["fail", "error"],
            mended=["The file was UTF-16."],
            cell_problems=["cell 3: error: ValueError: tensor(0.1234): hidden", "and 2 more"],
        )
        told = as_gradescope([result], 1.0)
        text = json.dumps(told)
        for hidden in (graded.SECRET, graded.ADVICE, "0.1234"):
            assert hidden not in text
        assert "toy: cell 3 stopped when it ran: error\ntoy: and 2 more" in told["output"]
        assert "The file was UTF-16." in told["output"]
