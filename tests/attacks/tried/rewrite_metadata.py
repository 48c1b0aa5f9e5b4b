"""Give the answer's cell the metadata of a check that is worth a hundred points."""

CLASS = "rewriting"
GAINS = ()
METADATA = {
    "nbgrader": {
        "grade": True,
        "solution": True,
        "locked": True,
        "points": 100,
        "grade_id": "m3_induction-previous_token_score",
        "cell_type": "code",
        "schema_version": 3,
        "checksum": "00000000000000000000000000000000",
    },
    "glassbox": {"exercise": "m3_induction/previous_token_score", "points": 100, "score": 100},
    "tags": ["graded", "<injected onload=alert(1)>"],
}


def attack():
    globals()["points"] = globals()["score"] = 100
