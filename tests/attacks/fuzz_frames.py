"""Fuzz the frame decoder with atheris, which follows the branches: `fuzz_frames.py SECONDS`.

What is changed is a header and a body; the two lengths before them are made to fit, or nothing
would get past those. Status 0: the time was up, and nothing was raised but the two errors.
"""

import sys
import tempfile
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "autograder"))
with atheris.instrument_imports(include=["autograder.frames", "autograder.values", "json"]):
    from hostile import VALID, blob, outcome

BETWEEN = b"\n\n"


def read(raw: bytes) -> None:
    """Read what a fuzzer made as a header and a body."""
    header, _, body = raw.partition(BETWEEN)
    outcome(blob(header, body))


def main(seconds: int) -> None:
    """Start from the valid frames."""
    with tempfile.TemporaryDirectory() as corpus:
        for place, frame in enumerate(VALID):
            length = int.from_bytes(frame[8:16], "little")
            header, body = frame[16 : 16 + length], frame[16 + length :]
            Path(corpus, str(place)).write_bytes(header + BETWEEN + body)
        limits = [f"-max_total_time={seconds}", "-max_len=4096", "-rss_limit_mb=4096"]
        where = [f"-artifact_prefix={tempfile.gettempdir()}/", corpus]
        atheris.Setup([sys.argv[0], *limits, *where], read)
        atheris.Fuzz()


if __name__ == "__main__":
    main(int(sys.argv[1]))
