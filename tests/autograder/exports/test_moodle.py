"""A worksheet as Moodle offers it, filled, and read back by the rules of its importer."""

import csv
import html
import io
import re

import pytest
from graded import ADVICE, SECRET, graded

from autograder.exports import ExportError
from autograder.exports.moodle import fill_moodle

# With the optional columns: id numbers, groups, markers, workflow, online text, last change.
DOWNLOADED = """\
Identifier,"Full name","ID number","Email address",Status,Group,Marker,Grade,"Maximum Grade",\
"Marking workflow state","Grade can be changed","Last modified (submission)","Online text",\
"Last modified (grade)","Feedback comments"
"Participant 11","Ada Lovelace",s-17,ada@uni.edu,"Submitted for grading - ",A,,,100.00,\
"Not marked",Yes,"Monday, 2 March 2026, 11:58 PM","=SUM(A1)",-,
"Participant 12","Bela Babbage",s-18,bela@uni.edu,"Submitted for grading - Graded",A,,55.00,100.00,\
Released,Yes,"Monday, 2 March 2026, 10:00 PM",,"Tuesday, 3 March 2026, 9:00 AM",\
"<p>Well ""done"", see me.</p>"
"Participant 13","Cleo Turing",s-19,cleo@uni.edu,"No submission - ",B,,,100.00,"Not marked",No,-,,-,
"Participant 112","Dara Noether",s-20,dara@uni.edu,"No submission - ",B,,40.00,100.00,\
"Not marked",Yes,-,,-,kept
"""

# The fewest that a worksheet has: blind marking, no feedback, no workflow.
BLIND = (
    'Identifier,Status,Grade,"Maximum Grade","Grade can be changed","Last modified (grade)"\n'
    '"Participant 11","Submitted for grading - ",,4.00,Yes,-\n'
)

CLASS = [
    graded("11", ["pass", "partial"]),
    graded("12", ["fail", "fail"]),
    graded("13", ["pass", "pass"]),
    graded("112", ["infrastructure"] * 2, status="infrastructure"),
    graded("2", ["pass", "pass"]),
]


@pytest.fixture
def fill(tmp_path):
    """Return a function that fills a downloaded text and returns the text and the outcome."""

    def fill_text(text, results=CLASS, **options):
        downloaded, out = tmp_path / "downloaded.csv", tmp_path / "filled.csv"
        downloaded.write_bytes(text.encode())
        outcome = fill_moodle(results, downloaded, out, **options)
        return out.read_bytes().decode(), outcome

    return fill_text


def imported(text, *, delimiter=",", id_header="Identifier"):
    """Read a file as `importgradeslib.php` does: participant -> (grade, feedback)."""
    header, *rows = csv.reader(io.StringIO(text.removeprefix("\ufeff")), delimiter=delimiter)
    assert all(len(row) == len(header) for row in rows)
    grade, who = header.index("Grade"), header.index(id_header)
    assert "Last modified (grade)" in header
    told = header.index("Feedback comments") if "Feedback comments" in header else None
    read = {}
    for row in rows:
        # `unformat_float`: an empty text is no grade; one above the maximum is skipped.
        value = float(row[grade].replace(",", ".")) if row[grade] else None
        highest = float(row[header.index("Maximum Grade")].replace(",", "."))
        assert value is None or 0 <= value <= highest
        number = int(row[who][len("Participant ") :])
        read[number] = (value, row[told] if told is not None else None)
    return read


def test_grades_are_scaled_to_the_maximum_and_the_rest_stays(fill):
    filled, outcome = fill(DOWNLOADED)
    read = imported(filled)
    assert {who: grade for who, (grade, _) in read.items()} == {11: 50, 12: 0, 13: None, 112: 40}
    assert outcome.written == 2
    cells = [list(csv.reader(io.StringIO(text))) for text in (DOWNLOADED, filled)]
    before, after = cells
    changed = {
        (row[0], after[0][place])
        for row, old in zip(after, before, strict=True)
        for place in range(len(row))
        if row[place] != old[place]
    }
    assert changed == {
        ("Participant 11", "Grade"),
        ("Participant 11", "Feedback comments"),
        ("Participant 12", "Grade"),
    }
    untouched = DOWNLOADED.splitlines(keepends=True)
    assert filled.splitlines(keepends=True)[0] == untouched[0]
    assert filled.splitlines(keepends=True)[3:] == untouched[3:]
    assert '"Monday, 2 March 2026, 11:58 PM","=SUM(A1)",-,' in filled


def test_who_was_left_and_why(fill):
    assert fill(DOWNLOADED)[1].notes == [
        "2: not in the file",
        "points out of 4 were scaled to 100",
        "112: no grade yet, for a reason that is not the student's; left",
        "13: its grade cannot be changed; left",
        "12: has feedback already; kept, and the grade written",
    ]


def test_feedback_names_the_misconception_and_the_hint_and_no_number(fill):
    told = imported(fill(DOWNLOADED)[0])[11][1]
    assert "<b>exercise_0</b>: 2 of 2<br>Every hidden case passes.</p>" in told
    assert "misconception: first_sequence_only" in told
    assert "hint: Change the second sequence: does <code>your</code> answer change?" in told
    assert SECRET.split()[2] not in told
    assert ADVICE not in told


def test_feedback_is_text_in_html_and_no_formula(fill):
    one = graded("11", ["fail"], names=["exercise"])
    one.exercises[0].hint = '=HYPERLINK("http://x") & <script>alert(1)</script>; a `x < 1`'
    filled, _ = fill(DOWNLOADED, [one])
    told = imported(filled)[11][1]
    assert told.startswith("<div")
    assert "<script" not in told
    assert html.escape('HYPERLINK("http://x") & <script>', quote=False) in told
    assert "<code>x &lt; 1</code>" in told
    assert '"<div class=""glassbox"">' in filled  # in quotes, whatever separates fields


def test_our_own_feedback_is_replaced_by_a_later_one(fill):
    once, _ = fill(DOWNLOADED)
    again, outcome = fill(once, [graded("11", ["pass", "pass"])])
    grade, told = imported(again)[11]
    assert grade == 100
    assert "misconception" not in told
    assert outcome.written == 1


def test_the_fewest_columns_moodle_writes(fill):
    filled, outcome = fill(BLIND)
    assert filled == BLIND.replace('- ",,4.00', '- ",2.00,4.00')
    assert "there is no column 'Feedback comments': grades only" in outcome.notes


def test_a_german_worksheet(fill):
    text = (
        "\ufeffID;Vollständiger Name;Bewertung;Maximum Grade;Feedback als Kommentar\r\n"
        "Teilnehmer/in 11;Ada Lovelace;;100,00;\r\n"
        "Teilnehmer/in 12;Bela Babbage;;100,00;\r\n"
    )
    options = {"grade_column": "Bewertung", "feedback_column": "Feedback als Kommentar"}
    filled, outcome = fill(text, **options)
    assert outcome.written == 2
    assert filled.startswith("\ufeffID;Vollständiger Name;Bewertung;")
    assert '\r\nTeilnehmer/in 11;Ada Lovelace;50,00;100,00;"<div' in filled
    with pytest.raises(ExportError, match=r"no column 'Grade'.*'Bewertung'.*--grade-column"):
        fill(text)


@pytest.mark.parametrize("ids", ["s-{}", "{}@uni.edu", "Participant {}"])
def test_ids_of_another_column(fill, ids):
    who = {"s-{}": "17", "{}@uni.edu": "ADA", "Participant {}": "11"}[ids]
    filled, _ = fill(DOWNLOADED, [graded(ids.format(who), ["pass"])])
    assert imported(filled)[11][0] == 100


def test_a_number_within_a_name_is_nobodys_number(fill):
    with pytest.raises(ExportError, match=r"no student of the results \(ada11, ...\)"):
        fill(DOWNLOADED, [graded("ada11", ["pass"])])


def test_an_id_column_that_was_named_is_the_only_one_tried(fill):
    with pytest.raises(ExportError, match="is in 'Email address'; name a column"):
        fill(DOWNLOADED, id_column="Email address")


def test_rows_keep_their_line_breaks_within_quotes(fill):
    text = re.sub(r'"=SUM\(A1\)"', '"first\nsecond ""x"", third"', DOWNLOADED)
    filled, _ = fill(text)
    assert '"first\nsecond ""x"", third"' in filled
    assert imported(filled)[11][0] == 50
