"""nbgrader's own commands and pages, on a course that an export filled."""

import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from graded import SECRET, graded, write_class
from typer.testing import CliRunner

from autograder.cli import app
from autograder.paths import Rooms
from autograder.recorded import load_lab

LAB = "m3_induction"
EXERCISES = load_lab(LAB).exercises
BESIDE = Path(sys.executable).parent
CONFIG = 'c = get_config()\nc.CourseDirectory.course_id = "glassbox"\n'
WHEN = "2026-03-02 09:00:00 UTC"
EXPORTED = (
    "assignment,duedate,timestamp,student_id,last_name,first_name,email,raw_score,"
    "late_submission_penalty,score,max_score\n"
    "ps1,,2026-03-02 09:00:00,ada,,,,0.0,0.0,0.0,15.0\n"
    "ps1,,2026-03-02 09:00:00,bob,,,,15.0,0.0,15.0,15.0\n"
)


def environment(course):
    return {
        "PATH": f"{BESIDE}{os.pathsep}{os.defpath}",
        "HOME": str(course.parent),
        "OMP_NUM_THREADS": "1",
    }


def nbgrader(course, *arguments):
    done = subprocess.run(
        [BESIDE / "nbgrader", *arguments],
        cwd=course,
        env=environment(course),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """Hand in for two students, and export their results with the command."""
    course = tmp_path_factory.mktemp("exported") / "course"
    for folder in ("source/ps1", "release/ps1", "submitted/ada/ps1", "submitted/bob/ps1"):
        (course / folder).mkdir(parents=True)
        shipped = Rooms.here().exercise(LAB)
        (course / folder / shipped.name).write_bytes(shipped.read_bytes())
        if folder.startswith("submitted"):
            (course / folder / "timestamp.txt").write_text(WHEN)
    (course / "nbgrader_config.py").write_text(CONFIG)
    of_lab = {
        "lab": LAB,
        "assignment": "ps1",
        "names": [exercise.name for exercise in EXERCISES],
        "points": [exercise.points for exercise in EXERCISES],
    }
    results = [graded("ada", "fail", **of_lab), graded("bob", "pass", **of_lab)]
    out = write_class(results, course.parent / "out")
    ran = CliRunner().invoke(app, ["export", "nbgrader", str(out), "--course", str(course)])
    assert ran.exit_code == 0, ran.output
    assert "2 grades into the gradebook" in ran.output
    return course


class Server:
    """A Jupyter server on this machine alone, with formgrader and without a password."""

    def __init__(self, course):
        config = course.parent / "jupyter_config.py"
        config.write_text(
            "c = get_config()\n"
            'c.ServerApp.jpserver_extensions = {"nbgrader.server_extensions.formgrader": True}\n'
            f'c.ServerApp.root_dir = "{course}"\n'
            'c.ServerApp.ip, c.ServerApp.port, c.ServerApp.open_browser = "127.0.0.1", 0, False\n'
            'c.ServerApp.allow_root, c.IdentityProvider.token = True, ""\n'
            "c.ServerApp.disable_check_xsrf = True\n"
        )
        self.log = course.parent / "server.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "jupyter_server", f"--config={config}"],
                cwd=course,
                env=environment(course),
                stdout=log,
                stderr=log,
            )

    def __enter__(self):
        for _ in range(600):
            found = re.search(r"http://127\.0\.0\.1:\d+/", self.log.read_text())
            if found:
                self.url = found[0] + "formgrader/"
                return self
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.1)
        raise AssertionError(self.log.read_text())

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(30)

    def page(self, path, data=None):
        request = urllib.request.Request(self.url + path, data, method="PUT" if data else "GET")
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read().decode()

    def api(self, path, **changes):
        data = json.dumps(changes).encode() if changes else None
        return json.loads(self.page(f"api/{path}", data))


@pytest.mark.slow
def test_every_consumer_shows_scores_and_diagnosis(course):
    """One test for all: each worker that runs a part would make the course again."""
    nbgrader(course, "export", "--to=grades.csv")
    assert (course / "grades.csv").read_text() == EXPORTED
    nbgrader(course, "generate_feedback", "ps1")
    told = (course / f"feedback/ada/ps1/{LAB}.html").read_text()
    assert "(Score: 0.0 / 15.0)" in told
    assert told.count("misconception: first_sequence_only<br") == len(EXERCISES)
    assert "does <code>your</code> answer change?" in told
    assert "(Score: 15.0 / 15.0)" in (course / f"feedback/bob/ps1/{LAB}.html").read_text()
    with Server(course) as server:
        listed = server.api("submissions/ps1")
        assert [(one["student"], one["score"], one["autograded"]) for one in listed] == [
            ("ada", 0.0, True),
            ("bob", 15.0, True),
        ]
        ada = server.api(f"submitted_notebooks/ps1/{LAB}")
        ada = next(one["id"] for one in ada if one["student"] == "ada")
        page = server.page(f"submissions/{ada}/")
        comments = server.api(f"comments?submission_id={ada}")
        assert all("misconception: first_sequence_only" in one["auto_comment"] for one in comments)
        for exercise in EXERCISES:
            assert f'id="{LAB}-{exercise.name}-check"' in page
            assert f'id="{LAB}-{exercise.name}-comment"' in page
        number = SECRET.split()[2]
        assert number not in page + told + json.dumps(comments)
