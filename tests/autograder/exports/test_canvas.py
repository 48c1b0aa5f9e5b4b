"""A gradebook as Canvas exports it, filled, and read back by the rules of Canvas's importer."""

import csv
import io
import re

import pytest
from graded import SECRET, graded

from autograder.exports import ExportError
from autograder.exports.canvas import fill_canvas

# As `gradebook_exporter.rb` writes it: a custom column, a read-only one, an assignment posted by
# hand, computed columns, the test student, a student of two sections.
EXPORTED = """\
Student,ID,SIS User ID,SIS Login ID,Integration ID,Root Account,Section,Notes,\
Warm-up (900),ps1 (901),Assignments Current Score,Current Score,Final Grade
,,,,,,,,,Manual Posting,,,
    Points Possible,,,,,,,(read only),10.00,10.00,(read only),(read only),(read only)
"Lovelace, Ada",4001,s-17,ada,,canvas.uni.edu,"A, B and C","late ""once"" again",9.00,,90,90,A-
"Babbage, Bela",4002,s-18,Bela@uni.edu ,,canvas.uni.edu,A,-12,8.50,3.00,85,85,B
"Turing, Cleo",4003,s-19,cleo,,canvas.uni.edu,A,,,EX,,,
"Noether, Dara",4004,s-20,dara,,canvas.uni.edu,B,,N/A,N/A,,,
"Ozlü, ""E"" Emil",4005,s-21,emil,,canvas.uni.edu,B,,7.00,1.25,70,70,C
"Gödel, Fay",4006,s-22,fay,,canvas.uni.edu,B,,7.00,2.00,70,70,C
"Student, Test",4099,,f3a9c,,canvas.uni.edu,A,,,,,,
"""

CLASS = [
    graded("ada", ["pass", "partial"], assignment="ps1"),
    graded("bela@uni.edu", ["pass", "pass"], assignment="ps1"),
    graded("cleo", ["pass", "pass"], assignment="ps1"),
    graded("dara", ["pass", "pass"], assignment="ps1"),
    graded("emil", ["infrastructure"] * 2, assignment="ps1", status="infrastructure"),
    graded("zoe", ["fail", "fail"], assignment="ps1"),
]


@pytest.fixture
def fill(tmp_path):
    """Return a function that fills an exported text and returns the text and the outcome."""

    def fill_text(text, results=CLASS, encoding="utf-8", **options):
        exported, out = tmp_path / "exported.csv", tmp_path / "filled.csv"
        exported.write_bytes(text.encode(encoding))
        outcome = fill_canvas(results, exported, out, **options)
        return out.read_bytes().decode(encoding), outcome

    return fill_text


def imported(text):
    """Read a file as `gradebook_importer.rb` does: student id -> assignment id -> grade."""
    first = text.splitlines()[:3]
    counts = {}
    for mark in ";,":
        widths = {len(row) for row in csv.reader(first, delimiter=mark)}
        counts[mark] = widths.pop() if len(widths) == 1 else 0
    mark = ";" if counts[";"] > counts[","] else ","
    header, *rows = csv.reader(io.StringIO(text), delimiter=mark)
    assert "Student" in header[0]
    assert "ID" in header[1]
    ids = {place: re.fullmatch(r"(.*)\s\((\d+)\)", one) for place, one in enumerate(header)}
    grades = {}
    for row in rows:
        nothing = all(re.fullmatch(r"\s*(Muted|Manual Posting.*)?\s*", one) for one in row)
        if nothing or "Points Possible" in row[0]:
            continue
        read = {match[2]: decimal(row[place]).strip() for place, match in ids.items() if match}
        grades[row[1]] = read
    return grades


def decimal(text):
    """Canvas's converter `decimal_comma_to_period`."""
    if not re.fullmatch(r"-?[0-9.,]+%?", text):
        return text
    *before, last = re.split("[,.]", text)
    return f"{''.join(before)}.{last}" if before else last


def test_grades_are_filled_and_nothing_else_changes(fill):
    filled, outcome = fill(EXPORTED)
    expected = EXPORTED.replace('once"" again",9.00,,90', 'once"" again",9.00,5.00,90')
    expected = expected.replace("8.50,3.00,85", "8.50,10.00,85")
    assert filled == expected
    assert outcome.written == 2


def test_canvas_would_read_these_grades(fill):
    before, after = imported(EXPORTED), imported(fill(EXPORTED)[0])
    changed = {who: after[who]["901"] for who in after if after[who] != before[who]}
    assert changed == {"4001": "5.00", "4002": "10.00"}
    assert after["4003"]["901"] == "EX"
    assert after["4004"]["901"] == "N/A"
    assert after["4005"]["901"] == "1.25"


def test_who_was_left_and_why(fill):
    assert fill(EXPORTED)[1].notes == [
        "zoe: not in the file",
        "Gödel, Fay: no result; left",
        "Student, Test: no result; left",
        "points out of 4 were scaled to the column's 10",
        "cleo: excused; left",
        "dara: not assigned; left",
        "emil: no grade yet, for a reason that is not the student's; left",
    ]


def test_a_semicolon_a_comma_for_decimals_a_mark_and_windows_line_ends(fill):
    text = re.sub(r"(\d)\.(\d\d)\b", r"\1|\2", EXPORTED)
    rows = csv.reader(io.StringIO(text))
    made = io.StringIO()
    csv.writer(made, delimiter=";", lineterminator="\r\n").writerows(rows)
    text = made.getvalue().replace("|", ",")
    filled, outcome = fill(text, encoding="utf-8-sig")
    assert outcome.written == 2
    assert imported(filled)["4001"]["901"] == "5.00"
    assert "9,00;5,00;90" in filled
    assert filled == text.replace("9,00;;90", "9,00;5,00;90").replace("3,00;85", "10,00;85")


def test_the_fewest_columns_canvas_writes(fill):
    text = (
        "Student,ID,SIS Login ID,Section,Toy (7)\n"
        "    Points Possible,,,,\n"
        '"Ada, L.",1,ada,A,\n'
        '"Zoe, Z.",2,zoe,A,'
    )
    filled, outcome = fill(text, column="Toy (7)")
    assert filled == text.replace("ada,A,", "ada,A,2.00") + "0.00"
    assert outcome.written == 2


def test_first_and_last_names_apart(fill):
    text = (
        "LastName,FirstName,ID,SIS Login ID,Section,ps1 (7)\n"
        "    Points Possible,,,,,4.00\n"
        "Lovelace,Ada,1,ada,A,\n"
    )
    assert "Lovelace,Ada,1,ada,A,2.00" in fill(text)[0]


def test_ids_of_another_column(fill):
    numbered = [graded("s-17", ["pass"] * 2), graded("4002", ["pass"] * 2)]
    filled, _ = fill(EXPORTED, numbered, column="ps1 (901)")
    assert imported(filled)["4001"]["901"] == "10.00"
    filled, _ = fill(EXPORTED, numbered, column="ps1 (901)", id_column="ID")
    assert imported(filled)["4001"]["901"] == ""
    assert imported(filled)["4002"]["901"] == "10.00"


def test_two_rows_with_one_id_are_both_left(fill):
    twice = EXPORTED.replace("s-19,cleo", "s-19,ada")
    filled, outcome = fill(twice)
    assert imported(filled)["4001"]["901"] == ""
    assert "ada: more than one row or result has this id; left" in outcome.notes


def test_all_labs_of_an_assignment_are_added_up(fill):
    both = [
        graded("ada", ["pass", "fail"], lab="m0", assignment="ps1"),
        graded("ada", ["pass"], lab="m3", assignment="ps1"),
        graded("fay", ["pass"], lab="m3", assignment="ps1"),
    ]
    read = imported(fill(EXPORTED, both)[0])
    assert read["4001"]["901"] == "6.67"
    assert read["4006"]["901"] == "3.33"


def test_the_title_of_the_lab_names_the_column_too(fill):
    lab = "m3_induction"
    text = EXPORTED.replace("ps1 (901)", "Induction heads (901)")
    filled, _ = fill(text, [graded("ada", ["pass"], lab=lab)])
    assert imported(filled)["4001"]["901"] == "10.00"


WRONG = [
    ({"column": "ps9 (1)"}, r"no column 'ps9 \(1\)'.*'ps1 \(901\)'.*--column"),
    ({"column": "Current Score"}, "'Current Score' is no assignment"),
    ({"column": "SIS User ID"}, "'SIS User ID' is no assignment"),
    ({"id_column": "Email"}, "no column 'Email'.*--id-column"),
    ({"id_column": "Section"}, r"no student of the results \(ada, .*'Section'"),
    ({"assignment": "ps2"}, "no results of the assignment 'ps2'; there are: ps1"),
]


@pytest.mark.parametrize(("options", "said"), WRONG)
def test_what_cannot_be_filled(fill, options, said):
    with pytest.raises(ExportError, match=said):
        fill(EXPORTED, **options)


def test_a_column_that_no_name_points_to(fill):
    with pytest.raises(ExportError, match=r"no column is called.*'Warm-up \(900\)', 'ps2 \(901\)'"):
        fill(EXPORTED.replace("ps1 (901)", "ps2 (901)"))
    with pytest.raises(ExportError, match="several columns are called"):
        fill(EXPORTED.replace("Warm-up (900)", "PS1 (900)"))


def test_several_assignments_and_none_named(fill):
    with pytest.raises(ExportError, match=r"several assignments \(other, ps1\)"):
        fill(EXPORTED, [*CLASS, graded("ada", ["pass"], assignment="other")])


FOREIGN = [
    ("Name;Grade\nada;1\n", "is not a gradebook of Canvas"),
    ("", "is no table"),
    (EXPORTED.replace("    Points Possible", "Total"), "no row 'Points Possible'"),
]


@pytest.mark.parametrize(("text", "said"), FOREIGN)
def test_a_file_that_canvas_did_not_write(fill, text, said):
    with pytest.raises(ExportError, match=said):
        fill(text)
    with pytest.raises(ExportError, match="is not UTF-8 text"):
        fill(EXPORTED, encoding="utf-16")


def test_the_exported_file_is_never_overwritten(tmp_path):
    exported = tmp_path / "exported.csv"
    exported.write_text(EXPORTED)
    with pytest.raises(ExportError, match="is the exported file itself"):
        fill_canvas(CLASS, exported, tmp_path / "." / "exported.csv")
    assert exported.read_text() == EXPORTED


def test_no_number_of_a_hidden_input(fill):
    assert SECRET.split()[2] not in fill(EXPORTED)[0]
