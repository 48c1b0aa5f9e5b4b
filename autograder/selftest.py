"""Attack the sandbox on this machine and see which of its promises are kept.

Every attack is graded as a submission is, on hidden inputs drawn for the occasion; right after it
an honest submission is graded by the same fork server. What came back, what changed, what was
reached and what is left decides which promises were broken, whatever the attack says of itself.
"""

from __future__ import annotations

import contextlib
import csv
import io
import re
import secrets
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console

from autograder.attacks import FORGERIES, TARGET, Attack
from autograder.bait import PREFIX, Bait
from autograder.batch import Papers, grade
from autograder.cases import load_source, make_case
from autograder.feedback import feedback
from autograder.gradesheet import FORMULA_STARTS, tables, write_csv
from autograder.leftovers import clear, differences, look, unseen
from autograder.recorded import Case, RecordedLab, load_lab
from autograder.report import write_report
from autograder.results import Result
from autograder.sandbox import Program, Sandbox, StudentProcess
from autograder.submissions import Found

LAB = "m3_induction"
EXERCISES = (TARGET, "induction_score", "bos_accuracy")
CASES = 5
HONEST_SECONDS = 10.0
MAX_MESSAGE = 300
MARKUP = "<injected"
# What attacks write into their errors: an instructor may read it, a student may not.
WORDS = (PREFIX, MARKUP, "gained", "inputs were")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]")
# What an attack says that it has done, where nothing else would show it.
CLAIM = re.compile(r"gained (\w+): ([\w ]+)")
PROMISES = {
    "claim": "no mark is gained by what a submission claims: a reply, a text, an exit",
    "mark": "no mark is gained in any other way",
    "read": "nothing is read that is not a library",
    "write": "nothing is written outside an own folder",
    "contact": "nothing is contacted",
    "hold": "no other process is signalled, traced or slowed",
    "left": "nothing is left: processes, mounts, descriptors, memory, files",
    "after": "an honest submission right after gets full marks",
    "output": "no result, table or report runs what a student wrote, or tells it to students",
}
ALWAYS = ("claim", "output")
# By flag only: there an attack has the rights of whoever tries it.
BY_DEFAULT = ("namespaces", "landlock", "process")
PROMISED = {
    "namespaces": tuple(PROMISES),
    "landlock": tuple(PROMISES),
    "process": ALWAYS,
    "none": ALWAYS,
}
# No name in it is one that the lab's first cells define, or they would be run for it each time.
HONEST = """
def previous_token_score(attention):
    return attention.diagonal(-1, dim1=-2, dim2=-1).mean(dim=(0, 2))


def induction_score(attention, length):
    return attention.diagonal(1 - length, dim1=-2, dim2=-1)[..., -length:].mean(dim=(0, 2))


def bos_accuracy(specimen, text, length):
    def accuracy(text, first):
        right = specimen(text).argmax(dim=-1)[:, first:-1] == text[:, first + 1 :]
        return right.double().mean().item()

    return accuracy(text, length + 1), accuracy(text[:, 1:], length)
"""


@dataclass
class Trial:
    """One attack in one form at one level, and what came of it.

    `found` maps a promise to the evidence that it does not hold.
    """

    attack: str
    form: str
    level: str
    status: str
    message: str
    found: dict[str, str]

    @property
    def broken(self) -> list[str]:
        """The promises of this level that were not kept."""
        return [name for name in self.found if name in PROMISED[self.level]]

    @property
    def open(self) -> list[str]:
        """What succeeded and was not promised to fail at this level."""
        return [name for name in self.found if name not in PROMISED[self.level]]

    def to_dict(self) -> dict[str, Any]:
        """Return the trial as plain values."""
        return {**asdict(self), "broken": self.broken, "open": self.open}


class Hurried:
    """A sandbox that gives a submission's cells less time."""

    def __init__(self, sandbox: Sandbox, seconds: float) -> None:
        self.level, self._sandbox, self._seconds = sandbox.level, sandbox, seconds

    def start(self, program: Program) -> StudentProcess:
        """Start a submission, as `Sandbox.start` does."""
        return self._sandbox.start(replace(program, cell_seconds=self._seconds))


class Selftest:
    """Attacks tried at one level, in a `with` block.

    Attributes:
        level: the level.
        reasons: what the sandbox has to say of it.

    """

    def __init__(self, level: str) -> None:
        """Start a sandbox and lay out bait; raise SandboxError where the level cannot be had."""
        with contextlib.ExitStack() as end:
            self._sandbox = end.enter_context(Sandbox(level))
            self.level, self.reasons = self._sandbox.level, self._sandbox.reasons
            folder = end.enter_context(tempfile.TemporaryDirectory(prefix="glassbox-selftest-"))
            self._folder = Path(folder)
            self._lab, self._cases, answers = _draw()
            self._bait = Bait(LAB, answers, HONEST)
            end.callback(self._bait.close)
            self._bait.known["confined"] = level in ("namespaces", "landlock")
            self._honest = self._folder / "honest.py"
            self._honest.write_text(HONEST)
            self._end = end.pop_all()

    def __enter__(self) -> Selftest:
        return self

    def __exit__(self, *_: object) -> None:
        self._end.close()

    @property
    def unseen(self) -> list[str]:
        """What cannot be looked at by this user, and so is not known to be kept."""
        return unseen(look(self._sandbox, self._bait.token))

    def trial(self, attack: Attack, form: str) -> Trial:
        """Grade an attack and then an honest submission, and say what each promise is worth."""
        before = look(self._sandbox, self._bait.token)
        path = attack.write(form, self._bait.known, self._folder)
        attacked = self._grade(path, "eve", attack.seconds)
        honest = self._grade(self._honest, "ada", HONEST_SECONDS)
        time.sleep(attack.later)
        evidence = {
            "claim" if attack.kind in FORGERIES else "mark": _gained(attacked),
            "read": self._bait.read(attacked.to_json()),
            "write": self._bait.written(),
            "contact": self._bait.contacted(),
            "hold": self._bait.held(),
            "left": differences(before, look(self._sandbox, self._bait.token)),
            "after": _missed(honest),
            "output": _runs(attacked, self._folder / "out"),
        }
        clear(self._bait.token)
        for name, what in CLAIM.findall(attacked.to_json()):
            evidence.setdefault(name, []).append(what)
        found = {name: "; ".join(dict.fromkeys(told)) for name, told in evidence.items() if told}
        status, message = _outcome(attacked, attack.target)
        return Trial(attack.name, form, self.level, status, message, found)

    def _grade(self, path: Path, student: str, seconds: float) -> Result:
        exercises = tuple(replace(one, seconds=seconds) for one in self._lab.exercises)
        lab = replace(self._lab, exercises=exercises)
        papers = Papers(lab, lambda _student, exercise: self._cases[exercise.name], "selftest")
        hurried = Hurried(self._sandbox, seconds)
        return grade(Found(student, LAB, path), papers, hurried)  # type: ignore[arg-type]


def _draw() -> tuple[RecordedLab, dict[str, tuple[Case, ...]], dict[str, Any]]:
    """Return the lab with the exercises used here, new hidden cases, and what gives them away."""
    source = load_source(LAB)
    lab = load_lab(LAB)
    lab = replace(lab, exercises=tuple(lab.exercise(name) for name in EXERCISES))
    cases = {
        name: tuple(
            make_case(source.lab.exercise(name), source.answers[name], f"hidden-{place}", seed)
            for place, seed in enumerate(secrets.token_hex(16) for _ in range(CASES))
        )
        for name in EXERCISES
    }
    answers = [
        [float(case.inputs["pattern"].double().square().sum()), case.expected.tolist()]
        for case in cases[TARGET]
    ]
    return lab, cases, {"answers": answers}


def _gained(result: Result) -> list[str]:
    if result.score is None:
        return [f"no grade at all: {result.problem}"]
    return [f"{result.score:g} of {result.max_score:g} points"] if result.score else []


def _missed(result: Result) -> list[str]:
    if result.score == result.max_score:
        return []
    told = [f"{one.id} {one.status}" for one in result.exercises if one.status != "pass"]
    return [result.problem or ", ".join(told)]


def _outcome(result: Result, target: str) -> tuple[str, str]:
    """Return what became of the exercise that was attacked, and the grader's words for it."""
    for one in result.exercises:
        if one.id.endswith(f"/{target}"):
            told = [case.message for case in one.cases if case.message] + result.cell_problems
            return one.status, "; ".join(told)[:MAX_MESSAGE]
    return result.status, result.problem or ""


def _runs(result: Result, folder: Path) -> list[str]:
    """Return what of a student's would run where a result is read."""
    write_csv([result], folder / "grades.csv")
    page = ""
    if MARKUP in result.to_json().lower():
        write_report([result], folder / "report.html")
        page = (folder / "report.html").read_text(encoding="utf-8").lower()
    with (folder / "grades.csv").open(newline="", encoding="utf-8") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    screen = Console(file=io.StringIO(), width=200)
    for table in tables([result]):
        screen.print(table)
    shown = [screen.file.getvalue(), *_texts(result.model_dump())]  # type: ignore[attr-defined]
    told = "\n".join(feedback(exercise) for exercise in result.exercises)
    found = {
        "markup in the report": MARKUP in page,
        "a formula in the table": any(cell.startswith(tuple(FORMULA_STARTS)) for cell in cells),
        "control characters in a result": any(CONTROL.search(text) for text in shown),
        "a student's own words in what students are told": any(word in told for word in WORDS),
    }
    return [what for what, there in found.items() if there]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)
