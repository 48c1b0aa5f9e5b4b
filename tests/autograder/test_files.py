"""A file appears whole or not at all."""

import stat

import pytest

from autograder.files import write_atomically


def test_a_file_and_its_folders_are_made(tmp_path):
    path = tmp_path / "new" / "file"
    write_atomically(path, b"one")
    write_atomically(path, b"two")
    assert path.read_bytes() == b"two"
    assert [one.name for one in path.parent.iterdir()] == ["file"]


def test_a_private_file_is_its_owners_alone(tmp_path):
    path = tmp_path / "private" / "secret"
    write_atomically(path, b"one", mode=0o600)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_nothing_is_left_when_writing_fails(tmp_path):
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError, match="taken"):
        write_atomically(tmp_path / "taken", b"one")
    assert [one.name for one in tmp_path.iterdir()] == ["taken"]
