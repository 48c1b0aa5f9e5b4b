#!/usr/bin/env python3
"""Gradescope runs this at each submission, in the folder that it lies in.

It writes a partial result first, so that a killed run is not a broken one, and then lets the
grader write the whole one. When the grader cannot give a grade, an earlier one stays; when there is
none, no result is left, and Gradescope says that the autograder failed: never a 0 for that.
Only the standard library, of any Python 3, because the image's own Python runs it.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

HOME = Path(__file__).absolute().parent
RESULTS = HOME / "results" / "results.json"
PYTHON = os.environ.get("GLASSBOX_PYTHON", "/opt/glassbox/bin/python")
# Gradescope kills after ten minutes, unless told otherwise.
SECONDS = 570
IN_PROGRESS = (
    "Grading is in progress. If you still read this after some minutes, the grader was stopped "
    "before it ended: this is not your grade, submit again or tell your instructor."
)
KEPT = (
    "This submission could not be graded, for a reason that is not yours. Your earlier score "
    "stays; submit again, or tell your instructor."
)


def main():
    """Grade; return 0 when there is a result to show."""
    for secret in (HOME / "source", HOME / "results"):
        secret.chmod(0o700)
    RESULTS.unlink(missing_ok=True)
    earlier = earlier_results()
    write(partial(earlier))
    command = [PYTHON, "-P", "-m", "autograder.exports.gradescope_run", str(HOME)]
    try:
        status = subprocess.run(command, timeout=SECONDS, check=False).returncode
    except (OSError, subprocess.TimeoutExpired) as error:
        print(f"the grader: {error}", file=sys.stderr)
        status = 1
    if status == 0:
        return 0
    print(f"the grader ended with status {status}: no grade", file=sys.stderr)
    if earlier:
        write({**earlier, "output": KEPT})
        return 0
    RESULTS.unlink()
    return status if status > 0 else 1


def earlier_results():
    """Return the results of the last earlier submission that got any, or None."""
    path = HOME / "submission_metadata.json"
    try:
        path.chmod(0o600)
        submissions = json.loads(path.read_text(encoding="utf-8"))["previous_submissions"]
        for one in sorted(submissions, key=lambda one: one["submission_time"], reverse=True):
            results = one.get("results") or {}
            if one.get("autograder_error") or is_partial(results) or one.get("score") is None:
                continue
            return {"stdout_visibility": "hidden", **results, "score": float(one["score"])}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        print(f"submission_metadata.json: {error!r}", file=sys.stderr)
    return None


def is_partial(results):
    """Tell whether these results are what `partial` wrote."""
    return bool((results.get("extra_data") or {}).get("partial"))


def partial(earlier):
    """Return what stands until the grader has ended: an earlier score, or nothing yet."""
    return {
        "score": earlier["score"] if earlier else 0.0,
        "output": IN_PROGRESS,
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "extra_data": {"partial": True},
    }


def write(results):
    """Write the results whole or not at all."""
    beside = RESULTS.with_name("results.json.new")
    beside.write_text(json.dumps(results), encoding="utf-8")
    beside.replace(RESULTS)


if __name__ == "__main__":
    sys.exit(main())
