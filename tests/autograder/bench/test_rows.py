"""Rows of a benchmark."""

from autograder.bench.rows import Row, median_row, table


def test_a_row_has_every_field_and_the_ratio_is_over_one_when_ours_is_less():
    row = median_row("a submission", [0.2, 0.1, 0.9], "s", peer=[6.0, 4.0, 5.0], peer_name="other")
    assert row.as_json() == {
        "name": "a submission",
        "ours": 0.2,
        "peer": 5.0,
        "peer_name": "other",
        "ratio": 25.0,
        "limit": None,
        "unit": "s",
        "n": 3,
    }


def test_a_limit_has_no_ratio():
    row = Row("memory", 345.0, "MB", 1, limit=450)
    assert row.ratio is None
    assert row.as_json()["limit"] == 450


def test_the_table_has_a_line_for_every_row():
    assert (
        table([Row("a", 1.0, "s", 1), Row("b", 2.0, "s", 1, peer=3, peer_name="c")]).row_count == 2
    )
