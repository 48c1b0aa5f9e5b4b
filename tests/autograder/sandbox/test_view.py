"""What a student's process can see, in a clone and in an installed wheel."""

import shutil
import subprocess
import sys
from pathlib import Path

import autograder
import course
from autograder.sandbox import probe
from autograder.sandbox.view import look, subtract, unreadable_to_others

PACKAGES = (Path(course.__file__).parent, Path(autograder.__file__).parent)


class TestSubtract:
    def test_a_tree_with_nothing_hidden_stays_whole(self, tmp_path):
        assert subtract(tmp_path, {Path("/elsewhere")}) == ([tmp_path], [])

    def test_a_hidden_tree_is_gone(self, tmp_path):
        assert subtract(tmp_path, {tmp_path}) == ([], [])

    def test_a_tree_is_opened_up_around_what_is_hidden(self, tmp_path):
        for name in ("a/secret/x", "a/open/y", "b/z"):
            (tmp_path / name).mkdir(parents=True)
        seen, opened = subtract(tmp_path, {tmp_path / "a" / "secret"})
        assert seen == [tmp_path / "a" / "open", tmp_path / "b"]
        assert opened == [tmp_path, tmp_path / "a"]


class TestLook:
    def test_course_is_there_without_cards_lessons_and_bytecode(self):
        files = [Path(path) for path in look().files]
        home = PACKAGES[0]
        assert home / "model.py" in files
        assert any(path.suffix == ".safetensors" for path in files)
        assert all(path.suffix != ".json" for path in files)
        assert not {"lessons", "planted"} & {part for path in files for part in path.parts}

    def test_nothing_leads_to_the_grader(self):
        view = look()
        shown = [Path(path) for path in (*view.trees, *view.files)]
        package = PACKAGES[1]
        for place in (package, package / "references", package.parent / "solutions", Path.home()):
            assert not {place, *place.parents} & set(shown), place

    def test_who_can_enter(self, tmp_path):
        (tmp_path / "in").mkdir()
        assert unreadable_to_others(str(tmp_path / "in" / "file")) is not None
        assert unreadable_to_others("/usr/lib/file") is None


def test_installed_beside_other_packages(tmp_path):
    """In a wheel the references lie in the folder that everything is imported from."""
    site = tmp_path / "site-packages"
    for package in PACKAGES:
        shutil.copytree(package, site / package.name, ignore=shutil.ignore_patterns("*.pyc"))
    carried = site / "autograder" / "_data" / "solutions" / "lab.py"
    carried.parent.mkdir(parents=True)
    carried.write_text("answer = 42")
    (site / "neighbour.py").write_text("kind = 'library'")
    for folder in (tmp_path, *tmp_path.parents[:-1]):
        if folder.owner() == tmp_path.owner():
            folder.chmod(folder.stat().st_mode | 0o055)
    code = f"""
import torch
torch.set_num_threads(1)
from autograder.sandbox import Program, Sandbox
cell = '''
import neighbour, course, os
def read(path):
    try: return open(path).read(10)
    except OSError as error: return "denied"
def f(paths): return [neighbour.kind, course.__file__, *map(read, paths)]
'''
with Sandbox() as sandbox:
    hidden = [{str(carried)!r}, {str(site / "autograder" / "check.py")!r}]
    paths = [*hidden, {str(site / "course" / "model.py")!r}]
    answer = sandbox.start(Program(cells=[cell])).call("f", {{"paths": paths}})
    print(sandbox.level, answer.message, *answer.value, sep="|")
"""
    environment = {"PYTHONPATH": str(site), "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, cwd="/"
    )
    assert done.returncode == 0, done.stderr
    level, message, kind, where, *read = done.stdout.strip().split("|")
    assert (level, message, kind) == (probe().level, "", "library")
    assert where == str(site / "course" / "__init__.py")
    if level in ("landlock", "namespaces"):
        assert read[:2] == ["denied", "denied"]
    assert read[2].startswith('"""')
