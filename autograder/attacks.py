"""Attacks on the grader: each is a file that a hostile student could hand in, in two forms.

A file's docstring says what it tries, `CLASS` which kind of attack of `CLASSES` it is, and `GAINS`
which promises (`selftest.PROMISES`) it breaks where nothing stops it, at level `none`. It defines
`attack()`, `answer(*inputs)` or both. In function form the exercise's function attacks when it is
called; in notebook form a cell does, before the answer. Every attacker is told more than a student
could find out: where everything lies, and how a reply is written.
"""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder import paths

FORMS = ("function", "notebook")
FACTS = ("CLASS", "GAINS", "TARGET", "SECONDS", "LATER", "METADATA")
TARGET = "previous_token_score"
CLASSES = {
    "patching": "patching comparison functions or any module",
    "agreeing": "an object that always agrees",
    "reading": "reading references, cards, the bank, other students' work or the environment",
    "climbing": "frames, gc, linecache, /proc of any parent",
    "withheld": "importing a withheld instrument",
    "leaving": "early sys.exit, os._exit, a segfault",
    "forging": "printed or forged results, a second frame",
    "framing": "hostile frames and tensors",
    "pickling": "pickle in any returned object",
    "flooding": "loops, memory, forks, threads, disk, stdout floods",
    "contacting": "network, abstract sockets",
    "signalling": "signals to a parent, or any other hold on another process",
    "lingering": "a daemon, thread or atexit that acts later",
    "agreement": "changing inputs, shared weights or the random state",
    "rewriting": "cells that strip asserts or rewrite the input of later cells",
    "injecting": "HTML, ANSI or spreadsheet formulas in output",
    "writing": "writing, or changing what a file is, outside the box",
}
# What they do is claim something, and a claim is worth nothing at any level.
FORGERIES = ("patching", "agreeing", "leaving", "forging", "framing", "pickling", "agreement")
PRELUDE = '''
import json
import os
import struct

import torch

KNOWN = {known!r}
loot, reported = [], []


def forged(reply, kind="reply"):
    """Return the bytes of a reply that claims these plain values."""
    tree = {{"dict": {{key: {{"value": value}} for key, value in reply.items()}}}}
    header = json.dumps({{"__metadata__": {{"kind": kind, "tree": json.dumps(tree)}}}}).encode()
    return struct.pack("<QQ", 8 + len(header), len(header)) + header


def answer(*inputs):
    """Return something that has the right shape and is wrong everywhere."""
    return torch.full((inputs[0].shape[1],), -1.0)


def report():
    """Tell once what was found, by the way out that every submission has: an error's text."""
    found = sorted(set(map(str, loot)), key=lambda text: (KNOWN["prefix"] not in text, text))
    told = " ".join(found)[:250]  # canaries first, since there is no room for all
    if told and not reported:
        reported.append(True)
        raise RuntimeError(told)
'''
IN_FUNCTION = """
def {target}(*inputs):
    if "attack" in globals():
        attack()
    report()
    return answer(*inputs)
"""
IN_CELL = """
if "attack" in globals():
    attack()
else:
    answer(torch.zeros(1, 4, 5, 5))
report()
"""
AFTER_CELL = """
def {target}(*inputs):
    return answer(*inputs)
"""


class AttackError(ValueError):
    """An attack that there is not, or whose file does not say what it should."""


@dataclass(frozen=True)
class Attack:
    """One attack, as its file says.

    Attributes:
        name: the file's stem.
        tries: what it tries, in a sentence.
        kind: a key of `CLASSES`.
        gains: the promises that it breaks at level `none`.
        target: the exercise that it pretends to answer.
        seconds: time limit of a call and of a cell.
        later: seconds after which what it leaves behind has acted.
        metadata: of the notebook's answer cell.
        source: the file.

    """

    name: str
    tries: str
    kind: str
    gains: tuple[str, ...]
    target: str
    seconds: float
    later: float
    metadata: dict[str, Any]
    source: str

    @classmethod
    def read(cls, path: Path) -> Attack:
        """Read an attack without running it; raise AttackError when something is not said."""
        source = path.read_text(encoding="utf-8")
        tree = ast.parse(source)
        facts = {
            node.targets[0].id: ast.literal_eval(node.value)
            for node in tree.body
            if isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and node.targets[0].id in FACTS
        }
        tries = (ast.get_docstring(tree) or "").partition("\n")[0]
        if not tries or facts.get("CLASS") not in CLASSES or "GAINS" not in facts:
            raise AttackError(f"{path}: an attack has a docstring, a known CLASS, and GAINS")
        return cls(
            path.stem,
            tries,
            facts["CLASS"],
            tuple(facts["GAINS"]),
            facts.get("TARGET", TARGET),
            facts.get("SECONDS", 1.0),
            facts.get("LATER", 0.0),
            facts.get("METADATA", {}),
            source,
        )

    def write(self, form: str, known: Mapping[str, Any], folder: Path) -> Path:
        """Write the submission in one of its `FORMS` and return its path."""
        prelude = PRELUDE.format(known=dict(known))
        if form == "function":
            answer = IN_FUNCTION.format(target=self.target)
            path = folder / f"{self.name}.py"
            heading = f'# %% exercise="{self.target}"'
            path.write_text("\n".join(["# %%", prelude, "# %%", self.source, heading, answer]))
            return path
        import nbformat
        from nbformat.v4 import new_code_cell, new_notebook

        cells = [new_code_cell(text) for text in (prelude, self.source, IN_CELL)]
        cells.append(new_code_cell(AFTER_CELL.format(target=self.target), metadata=self.metadata))
        path = folder / f"{self.name}.ipynb"
        nbformat.write(new_notebook(cells=cells), path)
        return path


def every() -> list[Attack]:
    """Return the attacks that this copy of the course has, by name."""
    return [Attack.read(path) for path in sorted(paths.attacks().glob("*.py"))]


def named(names: Iterable[str]) -> list[Attack]:
    """Return these attacks; raise AttackError for one that there is not."""
    known = {attack.name: attack for attack in every()}
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            raise AttackError(f"there is no attack {name!r}{hint}; `glassbox selftest` tries all")
    return [known[name] for name in names]
