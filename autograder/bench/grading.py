"""The speed of grading a class, beside nbgrader and Otter on the same notebooks and cores.

Every round measures all graders one after another, so that a busy machine is unfair to none. Ours
grades the whole class in each; the peers, which take seconds a notebook, grade another part of it
in each, so that all rounds together cover it. The numbers are seconds a submission on one core, but
where a row says otherwise.

Ours leaves out the course's own demonstrations, on which no grade depends
(`autograder.demonstrations`); the peers have no such notion and run every cell. One row says what
ours takes when it runs them too.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from autograder.bank import open_bank
from autograder.batch import Papers
from autograder.bench.classroom import hand_in, students
from autograder.bench.environment import BenchError
from autograder.bench.mistakes import LAB
from autograder.bench.ours import Ours
from autograder.bench.peers import Nbgrader, Otter, Peer
from autograder.bench.rows import Row, median_row
from autograder.submissions import discover

SECRET = b"a secret that only the benchmark uses"
MS_OVER_BARE = 60.0
FLOORS = {Nbgrader.name: 30, Otter.name: 60}
TWO_WORKERS_FLOOR = 1.6


@contextmanager
def on(cores: Sequence[int]) -> Iterator[None]:
    """Keep this thread, and the processes and threads that it starts, to some cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class Grading:
    """The benchmark: prepare it, run its rounds, read its rows."""

    def __init__(self, folder: Path, python: Path | None, count: int) -> None:
        """Lay out a class of `count` notebooks under `folder`; without `python` leave peers out."""
        self.folder = folder
        self.class_ = students(count)
        hand_in(folder, self.class_)
        self.ours = Ours(folder, self.class_, discover([folder], lab=LAB))
        cores = sorted(os.sched_getaffinity(0))
        self.one, self.two = cores[-1:], cores[-2:]
        self.peers: list[Peer] = []
        if python:
            for kind in (Nbgrader, Otter):
                own = folder / kind.__name__.lower()
                own.mkdir()
                self.peers.append(kind(python, own, folder / "submitted", LAB))
        self.times: dict[str, list[float]] = defaultdict(list)
        self.rows: list[Row] = []

    def steps(self, rounds: int) -> Iterator[str]:
        """Do everything, saying before each step what it is."""
        yield "the hidden bank"
        self.make_bank()
        yield "a sandbox"
        with on(self.one):
            self.rows += self.ours.sandbox_rows()
        for peer in self.peers:
            yield f"{peer.name}: what is done once"
            peer.prepare()
        for number in range(rounds):
            for step in self._round(number, rounds):
                yield f"round {number + 1} of {rounds}: {step}"
        self._require_peers()

    def make_bank(self) -> None:
        """Make the hidden bank, which a course does once."""
        (self.folder / "secret").write_bytes(SECRET)
        started = time.perf_counter()
        with on(self.one):
            bank = open_bank(LAB, SECRET, folder=self.folder / "glassbox" / "banks")
        self.ours.papers = Papers.hidden(bank)
        seconds = time.perf_counter() - started
        self.rows.append(Row("the hidden bank, made once for a course", seconds, "s", 1))

    def _round(self, number: int, of: int) -> Iterator[str]:
        sample = [one.name for one in self.class_[number::of]]
        with on(self.one):
            yield "ours, one worker"
            self.times["one worker"].append(self.ours.grade(1))
            yield "the students' bare code"
            self.times["bare"].append(self.ours.run_bare())
            yield f"ours with all cells, {len(sample)} notebooks"
            self.times["in full"].append(self.ours.grade_in_full(sample))
            yield "glassbox grade, from start to end"
            self.times["command"].append(self.ours.run_command(self.folder / "secret"))
            for peer in self.peers:
                yield f"{peer.name}, {len(sample)} notebooks"
                self.times[peer.name].append(peer.grade(sample) / len(sample))
        if len(self.two) > 1:
            yield "ours, two workers"
            with on(self.two):
                self.times["two workers"].append(self.ours.grade(2))

    def _require_peers(self) -> None:
        """Check that the peers graded: full marks where all is right, and fewer elsewhere."""
        full = sum(exercise.points for exercise in self.ours.papers.lab.exercises)
        right = {one.name for one in self.class_ if not one.wrong}
        for peer in self.peers:
            for student, score in peer.scores().items():
                if (score == full) != (student in right):
                    raise BenchError(f"{peer.name} gave {student} {score:g} of {full:g} points")

    def finish(self) -> list[Row]:
        """Return all rows, the comparisons first."""
        times = self.times
        rows = [
            self._beside(peer, "one worker", f"a submission (floor: {FLOORS[peer.name]} times)")
            for peer in self.peers
        ]
        pairs = zip(times["one worker"], times["bare"], strict=True)
        over = [1000 * (ours - bare) for ours, bare in pairs]
        name = "limit: a submission, above the bare cost of its cells and calls"
        rows.append(median_row(name, over, "ms", limit=MS_OVER_BARE))
        rows.append(median_row("the bare cost of its cells and calls", times["bare"], "s"))
        if times["two workers"]:
            name = f"a submission, two workers on two cores (floor: {TWO_WORKERS_FLOOR} times)"
            one = {"peer": times["one worker"], "peer_name": "one worker"}
            rows.append(median_row(name, times["two workers"], "s", **one))
        rows += [
            self._beside(peer, times_name, name)
            for times_name, name in (
                ("in full", "a submission, the course's demonstrations run too"),
                ("command", f"a submission, `glassbox grade` over {len(self.class_)} as a whole"),
            )
            for peer in self.peers
        ]
        return rows + self.rows

    def _beside(self, peer: Peer, ours: str, name: str) -> Row:
        times = self.times
        return median_row(name, times[ours], "s", peer=times[peer.name], peer_name=peer.name)
