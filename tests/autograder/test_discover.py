import os
import re
from pathlib import Path

import pytest

from autograder.discover import date, discover
from autograder.opening import SubmissionError
from autograder.paths import Rooms
from autograder.stamps import stamp

LABS = ["m0_toy", "m3_induction"]


@pytest.fixture
def put(tmp_path):
    """Return a function that writes a file below a folder of its own."""

    def put_at(name, text="{}", modified=None):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        if modified:
            os.utime(path, (modified, modified))
        return path

    return put_at


@pytest.fixture
def find(tmp_path):
    """Return `discover` for the folder of `put`."""

    def find_at(*paths, **options):
        where = [tmp_path / "in" / path for path in paths or [""]]
        return discover(where, known=LABS, rooms=Rooms.at(tmp_path / "clone"), **options)

    return find_at


def brief(found):
    return [(one.student, one.lab, one.path.name) for one in found]


class TestNbgraderFolders:
    def test_students_labs_and_times(self, put, find):
        put("submitted/bea/ps1/m3_induction.ipynb")
        put("submitted/bea/ps1/m0_toy.py")
        put("submitted/bea/ps1/timestamp.txt", "2026-02-02 14:58:23.948203 America/Los_Angeles")
        put("submitted/ada/ps1/m3_induction.ipynb")
        put("submitted/ada/ps1/.ipynb_checkpoints/m3_induction.ipynb")
        put("source/ps1/m3_induction.ipynb")
        for where in ("", "submitted"):
            found = find(where)
            assert brief(found) == [
                ("ada", "m3_induction", "m3_induction.ipynb"),
                ("bea", "m0_toy", "m0_toy.py"),
                ("bea", "m3_induction", "m3_induction.ipynb"),
            ]
            assert [one.submitted_at for one in found] == [None, *2 * ["2026-02-02T22:58:23Z"]]
            assert not any(one.problem for one in found)
            assert {one.assignment for one in found} == {"ps1"}
        (one,) = find("submitted/ada/ps1/m3_induction.ipynb")
        assert (one.student, one.assignment) == ("ada", "ps1")

    def test_only_the_lab_that_was_asked_for(self, put, find):
        put("submitted/bea/ps1/m3_induction.ipynb")
        put("submitted/bea/ps1/m0_toy.ipynb")
        assert brief(find(lab="m0_toy")) == [("bea", "m0_toy", "m0_toy.ipynb")]

    def test_without_the_folder_of_the_assignment(self, put, find):
        put("bea/m3_induction.ipynb")
        (one,) = find()
        assert brief([one]) == [("bea", "m3_induction", "m3_induction.ipynb")]
        assert one.assignment is None

    def test_a_browsers_second_download(self, put, find):
        put("bea/ps1/m3_induction (1).ipynb")
        put("cleo/ps1/m3_induction-Copy2.ipynb")
        assert [one.lab for one in find()] == ["m3_induction", "m3_induction"]

    def test_one_bad_student_among_others(self, put, find, tmp_path):
        put("submitted/ada/ps1/m3_induction.ipynb")
        put("submitted/bea/ps1/homework.ipynb")
        put("submitted/cleo/ps1/notes.txt")
        (tmp_path / "elsewhere.ipynb").write_text("{}")
        link = tmp_path / "in/submitted/dora/ps1/m3_induction.ipynb"
        link.parent.mkdir(parents=True)
        link.symlink_to(tmp_path / "elsewhere.ipynb")
        (tmp_path / "in/submitted/eve").symlink_to(tmp_path)
        problems = {one.student: one.problem for one in find()}
        assert problems["ada"] is None
        assert "no lab is called 'homework'; rename it" in problems["bea"]
        assert "has no notebook or script of a lab" in problems["cleo"]
        assert "is a link" in problems["dora"]
        assert "is a link" in problems["eve"]


class TestFlatFolder:
    def test_students_by_file_name(self, put, find):
        put("ada.ipynb")
        put("bea.py")
        put("roster.csv")
        put("expected/ada.json")
        found = find(lab="m3_induction")
        assert brief(found) == [
            ("ada", "m3_induction", "ada.ipynb"),
            ("bea", "m3_induction", "bea.py"),
        ]

    def test_one_students_labs(self, put, find):
        put("ada/m3_induction.ipynb")
        put("ada/m0_toy.ipynb")
        put("ada/helpers.py")
        assert brief(find("ada")) == [
            ("ada", "m0_toy", "m0_toy.ipynb"),
            ("ada", "m3_induction", "m3_induction.ipynb"),
        ]
        assert brief(find("ada", lab="m0_toy"))[0] == ("ada", "m0_toy", "m0_toy.ipynb")

    def test_names_that_say_no_lab_ask_for_one(self, put, find):
        put("ada.ipynb")
        with pytest.raises(SubmissionError, match=r"--lab \(m0_toy, m3_induction\)"):
            find()

    def test_a_name_that_is_no_students(self, put, find):
        put("a\nb.ipynb")
        [found] = find(lab="m0_toy")
        assert "cannot be a student's name" in found.problem
        assert "\n" not in found.problem
        assert re.fullmatch("a_b-[0-9a-f]{8}", found.student)

    def test_a_name_that_is_no_students_is_nobody_elses(self, put, find):
        real = put("real_one/m0_toy.ipynb", modified=1e9)
        put("real\x1bone/m0_toy.ipynb", modified=2e9)
        put("real\x02one/m0_toy.ipynb", modified=2e9)
        (real.parents[1] / "real\x03one").symlink_to(real.parent)
        found = find()
        assert len({one.student for one in found}) == 4
        [honest] = [one for one in found if one.problem is None]
        assert (honest.student, honest.path, honest.older) == ("real_one", real, ())

    def test_what_cannot_be_read_never_beats_what_can(self, put, find):
        real = put("ada/m0_toy.ipynb", modified=1e9)
        link = real.with_suffix(".py")
        link.symlink_to(real)
        [found] = find()
        assert (found.path, found.problem, found.older) == (real, None, (link,))


class TestDownload:
    PATTERN = r".*_(?P<student_id>\w+)_attempt_(?P<timestamp>[0-9\-]+)_(?P<file_id>\w+)"

    def test_newest_attempt_first(self, put, find):
        put("ps1_bea_attempt_2016-01-30-15-00-00_m0_toy.ipynb", modified=3e8)
        newest = put("ps1_bea_attempt_2016-01-31-09-00-00_m0_toy.ipynb", modified=2e8)
        put("ps1_ada_attempt_2016-01-30-15-00-00_m0_toy.ipynb")
        put("index.html")
        ada, bea = find(pattern=self.PATTERN)
        assert brief([ada, bea]) == [
            ("ada", "m0_toy", "ps1_ada_attempt_2016-01-30-15-00-00_m0_toy.ipynb"),
            ("bea", "m0_toy", newest.name),
        ]
        assert bea.submitted_at == "2016-01-31T09:00:00Z"
        assert [path.name for path in bea.older] == [
            "ps1_bea_attempt_2016-01-30-15-00-00_m0_toy.ipynb"
        ]

    def test_folders_and_a_given_lab(self, put, find):
        put("Ada Lovelace_123_assignsubmission_file/work.ipynb")
        put("__MACOSX/Ada Lovelace_123_assignsubmission_file/._work.ipynb")
        put("readme.ipynb")
        pattern = r"(?P<student_id>[^_/]+)_\d+_assignsubmission_file/"
        ada, other = find(pattern=pattern, lab="m0_toy")
        assert brief([ada]) == [("Ada Lovelace", "m0_toy", "work.ipynb")]
        assert "does not match --pattern" in other.problem
        unnamed = find(pattern=pattern)[0]
        assert "its name says no lab; give --lab" in unnamed.problem

    def test_only_the_lab_that_was_asked_for(self, put, find):
        put("bea-m0_toy.ipynb")
        put("bea-m3_induction.py")
        pattern = r"(?P<student_id>\w+)-(?P<lab>\w+)"
        assert brief(find(pattern=pattern, lab="m0_toy")) == [("bea", "m0_toy", "bea-m0_toy.ipynb")]
        assert len(find(pattern=pattern)) == 2

    @pytest.mark.parametrize(
        ("pattern", "message"),
        [
            ("(", "is no regular expression"),
            (r"(\w+)", "no group student_id"),
            ("(?P<student_id>x+)y", "no submissions that --pattern"),
        ],
    )
    def test_bad_patterns(self, put, find, pattern, message):
        put("bea-m3_induction.py")
        with pytest.raises(SubmissionError, match=message):
            find(pattern=pattern)


class TestSingleFiles:
    def test_student_and_lab_from_where_it_lies(self, put, find):
        put("ada/m3_induction.ipynb")
        put("submitted/bea/ps1/m0_toy.py")
        put("cleo.ipynb")
        assert brief(find("ada/m3_induction.ipynb")) == [
            ("ada", "m3_induction", "m3_induction.ipynb")
        ]
        assert brief(find("submitted/bea/ps1/m0_toy.py")) == [("bea", "m0_toy", "m0_toy.py")]
        assert brief(find("cleo.ipynb", lab="m0_toy")) == [("cleo", "m0_toy", "cleo.ipynb")]

    def test_the_same_file_twice_is_one_submission(self, put, find):
        put("ada/m3_induction.ipynb")
        [found] = find("ada/m3_induction.ipynb", "ada")
        assert found.older == ()

    def test_the_newest_of_two_formats_unless_it_is_untouched(self, put, find, tmp_path):
        shipped = tmp_path / "clone/exercises/m0_toy.py"
        shipped.parent.mkdir(parents=True)
        shipped.write_text("stub")
        put("ada/m0_toy.ipynb", modified=1e9)
        script = put("ada/m0_toy.py", "answer", modified=2e9)
        assert find()[0].path == script
        put("ada/m0_toy.py", "stub", modified=2e9)
        assert find()[0].path.suffix == ".ipynb"


class TestBadPaths:
    @pytest.mark.parametrize(
        ("path", "message"),
        [
            ("nowhere", "there is no file or folder .*nowhere; check the path"),
            ("class.zip", "is not a submission; name .*unpacked folder"),
            ("empty", "has no submissions; expected <student>/<assignment>/<lab>"),
            ("other.ipynb", "no lab is called 'other'; say which it answers with --lab"),
        ],
    )
    def test_each_says_what_and_what_to_do(self, put, find, tmp_path, path, message):
        put("class.zip")
        put("other.ipynb")
        (tmp_path / "in/empty").mkdir()
        with pytest.raises(SubmissionError, match=message) as caught:
            find(path)
        assert "\n" not in str(caught.value)

    def test_an_unknown_lab_suggests_the_near_one(self, put, find):
        put("ada.ipynb")
        with pytest.raises(SubmissionError, match=r"no lab 'm3_inducton' \(did you mean 'm3_ind"):
            find(lab="m3_inducton")

    def test_a_pattern_needs_a_folder(self, put, find):
        put("class.zip")
        with pytest.raises(SubmissionError, match="is not a folder; unpack the download"):
            find("class.zip", pattern="(?P<student_id>x)")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2015-02-02 14:58:23.948203 America/Los_Angeles", "2015-02-02T22:58:23Z"),
        ("2015-02-02 14:58:23.948203 UTC", "2015-02-02T14:58:23Z"),
        ("2015-02-02T14:58:23+02:00", "2015-02-02T12:58:23Z"),
        ("2016-01-30-15-30-10", "2016-01-30T15:30:10Z"),
        ("20160130153010", "2016-01-30T15:30:10Z"),
        ("2016_01_30", "2016-01-30T00:00:00Z"),
        ("2016-01-30 15:30 Nowhere/Land", "2016-01-30T15:30:00Z"),
        ("2016-13-30 15:30", None),
        ("late", None),
        ("", None),
    ],
)
def test_times(text, expected):
    assert stamp(text) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (1e9, "2001-09-09T01:46:40Z"),
        (-1e9, "1970-01-01T00:00:00Z"),
        (1e15, "9999-12-31T23:59:59Z"),
    ],
)
def test_times_of_files_that_are_no_dates(seconds, expected):
    assert date(seconds) == expected


def test_paths_are_found_by_name_as_well():
    with pytest.raises(SubmissionError, match="no file or folder"):
        discover([str(Path("no") / "where")], known=LABS)
