"""The hidden bank: the inputs that grades are given on, drawn once from a course secret.

Per exercise it holds a few dozen variants with the expected answer and every misconception's.
HMAC(secret, student, exercise) picks each student's, so that a student's inputs are the same at
every attempt and nobody can foresee them.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_config_path
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as save_tensors

from autograder.cases import Source, SourceError, load_source, script_of
from autograder.files import write_atomically
from autograder.recorded import Case, RecordedExercise, RecordedLab, load_lab
from autograder.variants import VARIANTS, digest, make_variants

SCHEMA = "glassbox/bank/v1"
PER_STUDENT = 5
MIN_SECRET_BYTES = 16
PRIVATE = 0o600


class SecretError(ValueError):
    """A course secret that cannot be used."""


def read_secret(path: Path | None = None) -> bytes:
    """Return the course secret; create the default one, readable by its owner only, at first use.

    Args:
        path: a file with the secret, or None for the one in the user's configuration folder.

    """
    if path is None:
        path = user_config_path("glassbox") / "secret"
        if not path.exists():
            write_atomically(path, secrets.token_hex(32).encode(), mode=PRIVATE)
    try:
        secret = path.read_bytes().strip()
    except OSError as error:
        raise SecretError(f"the course secret {path} cannot be read: {error.strerror}") from error
    if len(secret) < MIN_SECRET_BYTES:
        raise SecretError(
            f"the course secret {path} has {len(secret)} bytes; at least {MIN_SECRET_BYTES} are "
            "needed (for example the output of `openssl rand -hex 32`)"
        )
    return secret


@dataclass(frozen=True)
class LabBank:
    """The hidden variants of one lab, by exercise name.

    `path` is the file that holds them; with `key`, which picks each student's, it is all that a
    machine needs to grade this lab, without the solutions and without the course secret.
    """

    lab: RecordedLab
    variants: Mapping[str, tuple[Case, ...]]
    sha256: str
    key: bytes
    path: Path

    def cases(self, student: str, exercise: RecordedExercise) -> tuple[Case, ...]:
        """Return the variants on which this student's answer is graded."""
        ranked = sorted(
            self.variants[exercise.name],
            key=lambda case: digest(self.key, student, exercise.id, case.id),
        )
        return tuple(ranked[:PER_STUDENT])


def open_bank(
    name: str,
    secret: bytes,
    *,
    folder: Path | None = None,
    solutions: Path | None = None,
    workers: int = 1,
    progress: Callable[[int], None] | None = None,
) -> LabBank:
    """Return a lab's hidden bank, from the file that holds it or made now and stored.

    Args:
        name: the lab.
        secret: the course secret.
        folder: where banks are kept; the user's configuration folder by default.
        solutions: a folder with an instructor's own variant of the solutions.
        workers: how many processes make it, where it has to be made; the bytes are the same.
        progress: told how many variants are made by now.

    Raises:
        MarginError: on some variant a misconception comes too close to passing.
        SourceError: solutions that cannot be used, or that take other arguments.
        RoomMissingError: there are none of this lab.

    """
    lab = load_lab(name)
    source = load_source(name, solutions)
    _check_arguments(lab, source)
    label = digest(secret, SCHEMA, name, source.sha256, str(VARIANTS))
    path = (folder or user_config_path("glassbox") / "banks") / f"{name}-{label[:16]}.safetensors"
    blob = path.read_bytes() if path.exists() else None
    if blob is None or not _readable(path):
        made = make_variants(lab, source, secret, solutions=solutions, workers=workers)
        write_atomically(path, _blob(made, progress), mode=PRIVATE)
    return read_bank(lab, path, digest(secret, SCHEMA, name, "students").encode())


def _check_arguments(lab: RecordedLab, source: Source) -> None:
    """Check that solutions take what students' functions are given, in the same order."""
    for exercise in lab.exercises:
        answer = source.answers[exercise.name]
        wanted, taken = [*exercise.parameters], [*inspect.signature(answer).parameters]
        if wanted != taken:
            raise SourceError(
                f"{script_of(answer)}: {exercise.name} takes ({', '.join(taken)}), but "
                f"students' functions are given ({', '.join(wanted)}): a variant may compute "
                "something else, from the same arguments"
            )


def _blob(made: Iterable[tuple[str, Case]], progress: Callable[[int], None] | None) -> bytes:
    tensors, listed = {}, {}
    for count, (exercise, case) in enumerate(made, 1):
        listed.setdefault(exercise, []).append({"id": case.id, "trees": case.trees})
        tensors.update(case.tensors)
        if progress:
            progress(count)
    # One key: safetensors writes several in an order that changes from run to run.
    return save_tensors(tensors, {SCHEMA: json.dumps(listed)})


def _readable(path: Path) -> bool:
    try:
        with safe_open(path, framework="pt") as file:
            return SCHEMA in (file.metadata() or {})
    except SafetensorError:
        return False


def read_bank(lab: RecordedLab, path: Path, key: bytes) -> LabBank:
    """Return the bank that a file holds; `key` as in the bank that it was copied from."""
    with safe_open(path, framework="pt") as file:
        listed = json.loads(file.metadata()[SCHEMA])
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    variants = {
        name: tuple(Case(case["id"], case["trees"], tensors) for case in cases)
        for name, cases in listed.items()
    }
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return LabBank(lab, variants, digest, key, path)
