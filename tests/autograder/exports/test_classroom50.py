"""Classroom 50: what its runner finds after it has started our autograder.py, and whole scores."""

import json
import os
import re
import subprocess
import sys

import graded
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from autograder.cli import app
from autograder.exports.classroom50 import as_classroom50, whole, write_autograder
from autograder.recorded import RecordingError

LAB = "m0_toy_transformer"
POINTS = 15
GIVEN = {
    "CLASSROOM": "mechinterp",
    "ASSIGNMENT": "parts",
    "ASSIGNMENT_TYPE": "individual",
    "SUBMISSION_TAG": "submit/2026-06-01T14-32-05Z-a1b2c3d",
    "PAGES_BASE_URL": "https://example.edu/classroom50",
    "USERNAME": "alice",
    "OWNER": "alice",
    "COMMIT_URL": "https://example.edu/o/r/commit/a1b2c3d",
    "RELEASE_URL": "https://example.edu/o/r/releases/tag/submit",
    "REVIEW_URL": "https://example.edu/o/r/compare/0...a1b2c3d",
}
TEXTS = ("classroom", "assignment", "owner", "commit", "release", "review")
# A right answer and a wrong one, and words that a workflow's log would take for a command.
SCRIPT = """
# %% exercise="read_activation"
def read_activation(model, tokens, layer):
    _, cache = model.run_with_cache(tokens)
    return cache["resid_post", layer]

# %% exercise="mlp"
def mlp(*_):
    raise ValueError("x\\n::error::forged")
"""


def check_result(result):
    """Check a result by the rules of `classroom50/result/v1`, those between fields included."""
    assert set(result) == {
        "schema",
        "classroom",
        "assignment",
        "assignment_type",
        "owner",
        "submission",
        "commit",
        "release",
        "review",
        "datetime",
        "score",
        "max-score",
        "tests",
    }
    assert result["schema"] == "classroom50/result/v1"
    assert all(isinstance(result[name], str) and result[name] for name in TEXTS)
    assert result["assignment_type"] in ("individual", "group", "team")
    assert result["submission"].startswith("submit/")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", result["datetime"])
    for one in (result, *result["tests"]):
        assert type(one["score"]) is type(one["max-score"]) is int
        assert 0 <= one["score"] <= one["max-score"]
    for test in result["tests"]:
        assert test["test-name"]
        assert type(test["passed"]) is bool
    for count in ("score", "max-score"):
        assert result[count] == sum(test[count] for test in result["tests"])


class TestWhole:
    @given(
        st.lists(st.tuples(st.sampled_from([1.0, 2.0, 3.0, 2.5, 4 / 3]), st.integers(0, 5))),
        st.sampled_from([1, 100]),
    )
    def test_the_sum_is_kept_and_no_test_passes_its_maximum(self, exercises, scale):
        most = whole([points * scale for points, _ in exercises])
        values = [points * passed / 5 * scale for points, passed in exercises]
        got = whole(values, most)
        assert sum(got) == round(sum(values))
        assert all(0 <= one <= limit for one, limit in zip(got, most, strict=True))
        assert all(abs(one - value) < 1.0001 for one, value in zip(got, values, strict=True))

    def test_the_largest_remainders_get_what_is_missing(self):
        assert whole([66.6, 66.7, 66.7]) == [66, 67, 67]
        assert whole([0.5, 0.5], [0, 1]) == [0, 1]


class TestResult:
    def test_hundredths_of_a_point(self):
        exercises = [
            graded.exercise("lab/one", "partial", passed=2, cases=3),
            graded.exercise("lab/two", "pass"),
            graded.exercise("lab/three", "unreadable"),
        ]
        result = as_classroom50(exercises, GIVEN)
        check_result(result)
        assert [(one["score"], one["max-score"]) for one in result["tests"]] == [
            (133, 200),
            (200, 200),
            (0, 200),
        ]
        assert [one["passed"] for one in result["tests"]] == [False, True, False]

    def test_without_a_review_link_it_is_the_commit(self):
        old = {name: value for name, value in GIVEN.items() if name in as_given()}
        result = as_classroom50([graded.exercise("lab/one", "pass")], old)
        check_result(result)
        assert result["review"] == GIVEN["COMMIT_URL"]


def as_given():
    from autograder.exports.classroom50 import GIVEN as needed

    return set(needed.values())


class TestFile:
    def test_it_can_be_public(self, tmp_path):
        text = write_autograder(LAB, tmp_path, requirement="glassbox @ file").read_text()
        compile(text, "autograder.py", "exec")
        assert f'LAB = "{LAB}"' in text
        assert 'GLASSBOX = "glassbox @ file"' in text
        assert "import autograder\n" not in text
        assert "safetensors" not in text
        with pytest.raises(RecordingError, match="no lab"):
            write_autograder("m99", tmp_path)

    @pytest.mark.slow  # runs the file as the runner does: another process that grades a checkout
    def test_the_runner_gets_a_result_from_a_checkout(self, tmp_path):
        bundle, checkout = tmp_path / "bundle", tmp_path / "checkout"
        for folder in (bundle, checkout, checkout / ".git"):
            folder.mkdir()
        # In the student's hands: neither of these may be what is imported.
        for name in ("json.py", "autograder.py"):
            (checkout / name).write_text("raise SystemExit(9)")
        (checkout / f"{LAB}.py").write_text(SCRIPT)
        ran = subprocess.run(
            [sys.executable, write_autograder(LAB, bundle)],
            cwd=checkout,
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), **GIVEN},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        result = json.loads((checkout / "result.json").read_text())
        check_result(result)
        assert (result["score"], result["max-score"]) == (100, POINTS * 100)
        assert result["owner"] == "alice"
        assert "Right: m0_toy_transformer/read_activation (3 of 3 cases pass)" in ran.stdout
        assert "forged" in ran.stdout
        assert not [line for line in ran.stdout.splitlines() if line.startswith(("::", "##"))]


class TestCheckout:
    def grade(self, checkout, **environment):
        arguments = ["export", "classroom50", LAB, "--checkout", str(checkout)]
        arguments += ["--out", str(checkout / "result.json")]
        return CliRunner().invoke(app, arguments, env=environment, catch_exceptions=False)

    def test_outside_the_runner_it_says_what_to_use(self, tmp_path):
        ran = self.grade(tmp_path)
        assert ran.exit_code == 2
        assert "not set: CLASSROOM" in ran.stderr
        assert "glassbox check FILE" in ran.stderr
        assert not (tmp_path / "result.json").exists()

    def test_nothing_handed_in_is_a_result_with_no_points(self, tmp_path):
        ran = self.grade(tmp_path, **GIVEN)
        assert ran.exit_code == 0, ran.output
        assert f"note: hand in {LAB}.ipynb" in ran.stdout
        result = json.loads((tmp_path / "result.json").read_text())
        check_result(result)
        assert (result["score"], result["max-score"]) == (0, POINTS * 100)

    def test_without_a_sandbox_there_is_no_result(self, tmp_path, monkeypatch):
        from autograder import practice
        from autograder.sandbox import SandboxError

        def broken():
            raise SandboxError("no memory left")

        monkeypatch.setattr(practice, "Sandbox", broken)
        (tmp_path / f"{LAB}.py").write_text(SCRIPT)
        ran = self.grade(tmp_path, **GIVEN)
        assert ran.exit_code == 2
        assert "no memory left" in ran.stderr
        assert not (tmp_path / "result.json").exists()
