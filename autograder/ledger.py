"""The ledger: what is to be graded and what is done, in one SQLite file that survives a SIGKILL.

`DIR/ledger.sqlite` is the truth about a class; result files, `grades.csv` and `report.html` are
written from it. One process writes, from one thread; others may read meanwhile. Every entry is one
transaction, on the disk before anybody is told of it.

A place in the gradebook (student, lab) knows two jobs: the one asked for last, and the one whose
score counts. They differ while the newest has no score for a reason of ours: the earlier score
stays, and says so.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import ValidationError

from autograder.jobs import Job
from autograder.results import Result, shown
from autograder.sandbox import LEVELS

NAME, LOCK = "ledger.sqlite", "ledger.lock"
VERSION = 1
TABLES = """
CREATE TABLE jobs (
    key TEXT PRIMARY KEY, path TEXT NOT NULL, submitted_at TEXT,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'done', 'infrastructure')),
    attempts INTEGER NOT NULL DEFAULT 0,
    trouble TEXT -- why there is no score: a result of status infrastructure
);
CREATE TABLE results ( -- scores only
    key TEXT PRIMARY KEY REFERENCES jobs (key),
    result TEXT NOT NULL,
    isolation TEXT -- of what was run; null when nothing was
);
CREATE TABLE gradebook (
    student TEXT NOT NULL, lab TEXT NOT NULL, file TEXT NOT NULL,
    asked TEXT NOT NULL REFERENCES jobs (key),
    counts TEXT REFERENCES results (key),
    PRIMARY KEY (student, lab, file)
);
"""
GRADEBOOK = """
SELECT gradebook.student, gradebook.lab, gradebook.file,
    results.result, counted.path, counted.submitted_at, asked.state, asked.trouble
FROM gradebook
JOIN jobs AS asked ON asked.key = gradebook.asked
LEFT JOIN jobs AS counted ON counted.key = gradebook.counts
LEFT JOIN results ON results.key = gradebook.counts
ORDER BY gradebook.lab, gradebook.student, gradebook.file
"""


class LedgerError(RuntimeError):
    """A ledger that cannot be used: busy, damaged, or of another version."""


@dataclass(frozen=True)
class Plan:
    """What is left to grade of the submissions asked for; the others are kept as they are."""

    to_do: list[Job]
    kept: int


@dataclass(frozen=True)
class Grade:
    """A place in the gradebook (student, lab, file) with the result that counts there.

    It has `failed` when the newest submission has no score for a reason of ours.
    """

    place: tuple[str, str, str]
    result: Result
    failed: bool


class Ledger:
    """The open ledger of a folder. Use it in a `with` block, from one thread."""

    def __init__(self, folder: Path) -> None:
        """Open the ledger, or make one, and lock it; the kernel unlocks it however this ends.

        Raises:
            LedgerError: another process grades into the folder, or the file is no ledger.

        """
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / NAME
        with ExitStack() as opened:
            opened.callback(_locked(folder).release)
            opened.enter_context(_told(self.path))
            self._sql = sqlite3.connect(self.path, isolation_level=None)
            opened.callback(self._sql.close)
            self._sql.execute("PRAGMA journal_mode = WAL")
            self._sql.execute("PRAGMA synchronous = FULL")
            self._sql.execute("PRAGMA foreign_keys = ON")
            self._make_tables()
            self._opened = opened.pop_all()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file and unlock the folder."""
        self._opened.close()

    def plan(self, jobs: Iterable[Job], *, again: bool = False, minimum: str = "none") -> Plan:
        """Note the jobs that are asked for, and return those that have no score yet.

        Args:
            jobs: one for each student and lab.
            again: also those that have one; it counts until there is a new one.
            minimum: a score given at a lower level of isolation is not kept.

        """
        to_do, kept = [], 0
        with self._transaction():
            for job in jobs:
                if self._is_done(job, again=again, minimum=minimum):
                    kept += 1
                else:
                    to_do.append(job)
        return Plan(to_do, kept)

    def enter(self, job: Job, result: Result) -> None:
        """Enter a job's result; one that is no score leaves the earlier score where it is."""
        if is_open(result):
            with self._transaction() as sql:
                sql.execute(
                    "UPDATE jobs SET state = 'infrastructure', attempts = attempts + 1, trouble = ?"
                    " WHERE key = ?",
                    (result.to_json(), job.key),
                )
            return
        level = result.isolation if result.status == "graded" else None
        with self._transaction() as sql:
            sql.execute(
                "INSERT OR REPLACE INTO results VALUES (?, ?, ?)",
                (job.key, result.to_json(), level),
            )
            sql.execute(
                "UPDATE jobs SET state = 'done', attempts = attempts + 1, trouble = NULL"
                " WHERE key = ?",
                (job.key,),
            )
            sql.execute(
                "UPDATE gradebook SET counts = ? WHERE (student, lab, file) = (?, ?, ?)",
                (job.key, *job.place),
            )

    def gradebook(self) -> list[Grade]:
        """Return every student's grade in every lab, in the order of labs and students."""
        with _told(self.path):
            return _grades(self._sql)

    def waiting(self) -> int:
        """Return how many places wait to be graded, after a run that was ended early."""
        with _told(self.path):
            (count,) = self._sql.execute(
                "SELECT count(*) FROM gradebook JOIN jobs ON key = asked WHERE state = 'waiting'"
            ).fetchone()
        return count

    def _is_done(self, job: Job, *, again: bool, minimum: str) -> bool:
        self._sql.execute(
            "INSERT INTO jobs (key, path, submitted_at, state) VALUES (?, ?, ?, 'waiting')"
            " ON CONFLICT (key) DO UPDATE"
            " SET path = excluded.path, submitted_at = excluded.submitted_at",
            (job.key, shown(str(job.found.path)), job.found.submitted_at),
        )
        state, isolation = self._sql.execute(
            "SELECT state, isolation FROM jobs LEFT JOIN results USING (key) WHERE key = ?",
            (job.key,),
        ).fetchone()
        weak = isolation and LEVELS.index(isolation) < LEVELS.index(minimum)
        if state == "done" and (again or weak):
            self._sql.execute("UPDATE jobs SET state = 'waiting' WHERE key = ?", (job.key,))
            state = "waiting"
        done = state == "done"
        self._sql.execute(
            "INSERT INTO gradebook VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (student, lab, file) DO UPDATE"
            " SET asked = excluded.asked, counts = coalesce(excluded.counts, counts)",
            (*job.place, job.key, job.key if done else None),
        )
        return done

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with _told(self.path):
            self._sql.execute("BEGIN IMMEDIATE")
            try:
                yield self._sql
                self._sql.execute("COMMIT")
            except BaseException:
                if self._sql.in_transaction:
                    self._sql.execute("ROLLBACK")
                raise

    def _make_tables(self) -> None:
        (version,) = self._sql.execute("PRAGMA user_version").fetchone()
        if version == 0:
            script = f"BEGIN IMMEDIATE; {TABLES} PRAGMA user_version = {VERSION}; COMMIT;"
            self._sql.executescript(script)
        elif version != VERSION:
            raise LedgerError(
                f"{self.path} is a ledger of version {version}, this Glassbox writes version "
                f"{VERSION}: grade into another --out, or use the Glassbox that made it"
            )


def read_gradebook(folder: Path) -> list[Grade]:
    """Return the grades of a folder, also while a class is being graded into it.

    Raises:
        LedgerError: there is no ledger, or it cannot be read.

    """
    path = folder / NAME
    if not path.exists():
        raise LedgerError(f"{folder} has no {NAME}: grade into it first, with --out {folder}")
    address = f"{path.absolute().as_uri()}?mode=ro"
    with _told(path), closing(sqlite3.connect(address, uri=True)) as sql:
        return _grades(sql)


def is_open(result: Result) -> bool:
    """Say whether a result is no score yet, for a reason that is not the student's."""
    return result.status == "infrastructure" or result.score is None


def _grades(sql: sqlite3.Connection) -> list[Grade]:
    grades = []
    for *place, counted, path, submitted_at, state, trouble in sql.execute(GRADEBOOK):
        failure = Result.model_validate_json(trouble) if state == "infrastructure" else None
        if counted:
            # Downloaded again, a file that has not changed lies somewhere else.
            facts = {"path": path, "submitted_at": submitted_at}
            if failure:
                facts["problem"] = f"an earlier score, for grading again failed: {failure.problem}"
            result = Result.model_validate_json(counted).model_copy(update=facts)
        elif failure:
            result = failure
        else:
            continue  # it waits
        grades.append(Grade((place[0], place[1], place[2]), result, failed=bool(failure)))
    return grades


def _locked(folder: Path) -> FileLock:
    path = folder / LOCK
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        owner = ""
        with suppress(OSError):  # Windows lets nobody read what is locked
            owner = path.read_text("utf-8").strip()
        raise LedgerError(
            f"{folder} is being graded into by another process ({owner or 'unknown'}): wait for it "
            "to end, or take another --out"
        ) from error
    with suppress(OSError):
        path.write_text(str(os.getpid()), "utf-8")
    return lock


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise LedgerError(
            f"the ledger {path} cannot be used: {error}; check the disk and the rights, or move "
            "the file away to grade from nothing"
        ) from error
    except ValidationError as error:
        raise LedgerError(
            f"the ledger {path} holds results that this Glassbox cannot read: use the one that "
            "wrote them, or grade into another --out"
        ) from error
