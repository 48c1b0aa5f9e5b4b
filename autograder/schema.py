"""The published JSON Schema of a result, `schemas/result-v1.json`, derived from the model.

Rules of its versions, for whoever reads results with another program:

- A file says its version in `schema`: `glassbox/result/v1`. Readers refuse a version that they do
  not know, and never guess.
- Within a version a field may be added, with a default, so that files written before are still
  valid; a status or a level may be added to a list of them. Nothing is removed, renamed or given
  another meaning or unit: that makes `v2`, with a schema of its own beside this one.
- Unknown fields are errors. A reader that is older than a file says so, and does not drop what it
  does not understand.
"""

from __future__ import annotations

import json
from pathlib import Path

from autograder.drift import Drift
from autograder.files import write_atomically
from autograder.paths import PACKAGE
from autograder.results import SCHEMA, Result

PATH = PACKAGE / "schemas" / "result-v1.json"


def schema() -> dict:
    """Return the JSON Schema (draft 2020-12) of a result."""
    made = Result.model_json_schema()
    # Every file says its version, though the model could do without.
    made["required"] = ["schema", *made["required"]]
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA}
    return head | made


def refresh(check: bool = False, path: Path = PATH) -> list[Drift]:
    """Write the schema where it differs from the model, and return what was not up to date."""
    fresh = (json.dumps(schema(), indent=1) + "\n").encode()
    if path.is_file() and path.read_bytes() == fresh:
        return []
    if not check:
        write_atomically(path, fresh)
    return [Drift(path, "is not the schema of `Result`; run `glassbox build`")]
