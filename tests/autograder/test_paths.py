from pathlib import Path

import pytest

from autograder import paths
from autograder.paths import RoomMissingError, Rooms


def test_a_clones_rooms_lie_beside_the_package():
    root = Path(__file__).resolve().parents[2]
    assert Rooms.here() == Rooms.at(root)
    assert "m0_toy_transformer" in Rooms.here().written_labs()


def test_a_wheels_rooms_travel_inside_it(tmp_path, monkeypatch):
    package = tmp_path / "autograder"
    (package / "_data" / "solutions").mkdir(parents=True)
    (package / "_data" / "solutions" / "m1_lab.py").write_text("")
    (tmp_path / "solutions").mkdir()
    monkeypatch.setattr(paths, "PACKAGE", package)
    rooms = Rooms.here()
    assert rooms.written_labs() == ["m1_lab"]
    assert rooms.exercises == package / "_data" / "exercises"
    assert rooms.references == package / "references"


def test_the_attacks_lie_among_the_tests_or_travel_in_the_wheel(tmp_path, monkeypatch):
    assert (paths.attacks() / "forge_score.py").is_file()
    package = tmp_path / "autograder"
    (package / "_data" / "attacks").mkdir(parents=True)
    monkeypatch.setattr(paths, "PACKAGE", package)
    assert paths.attacks() == package / "_data" / "attacks"


def test_a_release_for_students_has_no_solutions_and_says_so(tmp_path):
    rooms = Rooms.at(tmp_path)
    for look in (rooms.written_labs, rooms.recorded_labs, lambda: rooms.solution("m1_lab")):
        with pytest.raises(RoomMissingError, match="A release for students has no solutions"):
            look()


@pytest.mark.parametrize("name", ["m2_lab", "../m1_lab", "", "M1_lab"])
def test_an_unknown_or_unsafe_name_lists_the_labs(tmp_path, name):
    rooms = Rooms.at(tmp_path / "clone")
    rooms.exercises.mkdir(parents=True)
    for file in (tmp_path / "clone" / "m1_lab.py", rooms.exercises / "m1_lab.py"):
        file.write_text("")
    assert rooms.exercise("m1_lab", ".py").is_file()
    with pytest.raises(RoomMissingError, match=r"labs there: m1_lab"):
        rooms.exercise(name, ".py")
