"""The report: what it counts, whom it names, and that it is one safe page for any class."""

import re
from html.parser import HTMLParser

import pytest
from graded import graded

from autograder.classview import class_view
from autograder.overlap import equal_to_each_other, equal_to_ours
from autograder.report import MOST_ROWS, write_report
from autograder.results import ExerciseResult
from autograder.similar import LEAST_SIZE

LONG, SHORT = LEAST_SIZE, LEAST_SIZE - 1


class Page(HTMLParser):
    """Reads what a page is made of."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.text = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text.append(data)

    @property
    def words(self):
        return " ".join(" ".join(self.text).split())


@pytest.fixture
def written(tmp_path):
    def write(*results):
        write_report(results, tmp_path / "report.html")
        return (tmp_path / "report.html").read_text(encoding="utf-8")

    return write


CLASS = [
    graded("zoe", ["pass", "fail"], wall_s=0.2),
    graded("ada", ["pass", "not_started"], wall_s=0.4),
    graded("<b>bob</b>", ["pass", "partial"], wall_s=0.6),
    graded("kim", "unreadable", names=["exercise_0"], status="unreadable", problem="not JSON"),
]


def answered(student, **answers):
    """Return a result whose exercises were answered by code of a digest and a size."""
    exercises = [
        ExerciseResult(
            id=f"toy/{name}",
            status="pass",
            score=1,
            max_score=1,
            code_sha256=digest,
            code_size=size,
            equals_solution=digest == "ours",
        )
        for name, (digest, size) in answers.items()
    ]
    return graded(student, []).model_copy(update={"exercises": exercises})


def test_names_and_texts_are_escaped_and_nothing_is_loaded_or_run(written):
    page = written(*CLASS, graded("<script>", ["fail"], problem="<img src=x>", mended=["</td>"]))
    assert "<b>bob" not in page
    assert "&lt;b&gt;bob" in page
    names = {tag for tag, _ in Page(page).tags}
    assert not names & {"script", "link", "img", "iframe", "object"}
    assert "http" not in page
    assert "url(" not in page
    assert "@import" not in page


def test_signs_that_steer_are_not_passed_on(written):
    page = written(graded("ada", ["pass"], mended=["one\ntwo \x1b[31m \u202e"]))
    assert "one; two \N{REPLACEMENT CHARACTER}[31m \N{REPLACEMENT CHARACTER}" in page


def test_every_heading_cell_says_what_it_heads_and_ids_are_unique(written):
    tags = Page(
        written(*CLASS, *[graded(one.student, ["pass"], lab="other") for one in CLASS])
    ).tags
    heads = [attributes.get("scope") for tag, attributes in tags if tag == "th"]
    assert len(heads) > 50
    assert set(heads) == {"row", "col"}
    ids = [attributes["id"] for _, attributes in tags if "id" in attributes]
    assert len(set(ids)) == len(ids)
    links = {attributes["href"] for tag, attributes in tags if tag == "a"}
    assert links
    assert links <= {f"#{one}" for one in ids}


def test_a_status_is_told_by_a_sign_and_a_word(written):
    statuses = ["pass", "partial", "fail", "not_started", "crash", "missing", "infrastructure"]
    words = Page(written(graded("ada", statuses))).words
    for told in ("✓ 2", "~ partial", "✗ fail", "· not started", "✗ crash", "· missing"):
        assert told in words
    assert "? infrastructure" in words


def test_the_summary_counts_and_says_how_long_it_took(written):
    words = Page(written(*CLASS)).words
    assert "4 students, 4 submissions" in words
    assert "toy 4 3 1 0 2 of 4" in words  # submissions, graded, unreadable, open, median
    assert "400 ms" in words
    assert "1.2 s" in words
    (lab,) = class_view(CLASS)
    assert sum(count for _, count in lab.bins) == 3
    assert dict(lab.bins)["50 to 60 %"] == 3


def test_exercises_that_do_not_tell_students_apart_are_flagged(written):
    one = [graded(name, ["pass", "fail", "not_started"]) for name in ("ada", "bob")]
    (lab,) = class_view(one)
    assert [view.flag for view in lab.exercises] == [
        "everybody passes",
        "nobody passes",
        "nobody started",
    ]
    assert "! everybody passes" in Page(written(*one)).words
    (alone,) = class_view(one[:1])
    assert {view.flag for view in alone.exercises} == {""}


def test_misconceptions_are_sorted_by_how_many_have_them_and_name_them(written):
    rare = graded("ada", ["fail"])
    rare.exercises[0].misconception = "rare_idea"
    page = written(rare, graded("bob", ["fail"]), graded("zoe", ["fail"]))
    words = Page(page).words
    assert words.index("first_sequence_only") < words.index("rare_idea")
    assert "2 (67 %)" in words
    assert "bob, zoe" in words


def test_rare_misconceptions_are_folded_away_and_still_there(written):
    every = [graded(f"student{place}", ["fail"]) for place in range(MOST_ROWS + 2)]
    for place, result in enumerate(every):
        result.exercises[0].misconception = f"idea_{place:02}"
    page = written(*every)
    assert "2 rarer ones" in page
    assert f"idea_{MOST_ROWS + 1:02}" in page


def test_what_has_no_grade_yet_is_open_and_an_earlier_grade_says_so(written):
    page = written(
        graded("ada", ["infrastructure"], status="infrastructure", problem="no memory left"),
        graded("bob", ["pass"], problem="an earlier score, for grading again failed"),
    )
    words = Page(page).words
    assert "ada ? open no memory left" in words
    assert "bob ? an earlier grade counts" in words
    assert "? / 2" in words


def test_the_report_says_what_a_level_does_not_promise(written):
    safe = Page(written(graded("ada", ["pass"]))).words
    assert "could not forge" not in safe
    weak = Page(written(graded("ada", ["pass"]).model_copy(update={"isolation": "process"}))).words
    assert "! Isolation process" in weak
    assert "the hidden bank among them" in weak


def test_equal_code_groups_students_and_adds_what_else_they_share():
    groups = equal_to_each_other(
        [
            answered("ada", one=("a", LONG), two=("b", LONG), three=("c", SHORT)),
            answered("bob", one=("a", LONG), two=("b", LONG), three=("c", SHORT)),
            answered("eve", one=("x", LONG), two=("b", LONG), three=("z", SHORT)),
        ]
    )
    assert [group.students for group in groups] == [("ada", "bob"), ("ada", "bob", "eve")]
    assert [answer.exercise for answer in groups[0].answers] == ["one", "two", "three"]
    assert [answer.short for answer in groups[0].answers] == [False, False, True]
    assert [answer.exercise for answer in groups[1].answers] == ["two"]


def test_short_answers_alone_and_shipped_ones_start_no_group():
    ours = [answered(name, one=("ours", LONG), two=("s", SHORT)) for name in ("ada", "bob")]
    assert equal_to_each_other(ours) == []
    (group,) = equal_to_ours(ours)
    assert group.students == ("ada", "bob")
    assert [answer.exercise for answer in group.answers] == ["one"]
    assert equal_to_ours([answered("ada", one=("ours", SHORT))]) == []


def test_equal_code_is_told_with_its_size_and_a_warning(written):
    same = [answered(name, one=("a", LONG)) for name in ("ada", "bob")]
    words = Page(written(*same)).words
    assert f"ada, bob 2 one ({LONG})" in words
    assert "no proof" in words
    assert "Nobody has a shipped solution's code." in words


def test_an_empty_class_says_so(written):
    assert "No submissions were graded." in written()


def test_a_large_class_is_one_page_of_a_few_megabytes(written):
    statuses = ["pass", "fail", "partial", "not_started", "pass", "pass", "fail"]
    page = written(
        *(graded(f"student{place:04}", statuses[place % 5 :] + statuses) for place in range(3000))
    )
    assert page.count('<th scope="row">student') == 3000
    assert len(page) < 3_000_000
    assert "<details>\n<summary>Every student" in page
    assert re.search(r"<details><summary>\d+ students</summary>", page)
