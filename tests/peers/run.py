"""Run the tests against other libraries, each folder's in an environment of its own.

    python tests/peers/run.py [FOLDER ...]

The environments are kept in out/peers, and made again when what they need changes.
"""

import os
import subprocess
import sys
import time
from xml.etree import ElementTree

from autograder.bench.environment import CLONE, TESTS, BenchError, libraries, python_of

KEPT = CLONE / "out" / "peers"


def main(names: list[str]) -> int:
    """Run the tests of these environments, or of all, and print a summary; return 1 for failures.

    An environment that cannot be made, or that has no tests, counts as failed.
    """
    known = sorted(file.parent.name for file in (CLONE / TESTS).glob("*/requirements.txt"))
    if unknown := sorted(set(names) - set(known)):
        sys.exit(f"no environment {', '.join(unknown)} in {TESTS}; there are {', '.join(known)}")
    lines, failed = [], False
    for name in names or known:
        print(f"\n{name}", flush=True)
        started = time.perf_counter()
        try:
            ok, said = tested(name)
        except BenchError as error:
            ok, said = False, str(error)
        failed |= not ok
        seconds = time.perf_counter() - started
        lines.append(f"  {name:20} {'' if ok else 'FAILED: '}{said}, {seconds:.0f} s")
    print("\nOther libraries", *lines, sep="\n")
    return int(failed)


def tested(name: str) -> tuple[bool, str]:
    """Run the tests of one environment; return whether they passed, and how many there were."""
    python = python_of(KEPT / name, libraries(name))
    report = KEPT / f"{name}.xml"
    report.unlink(missing_ok=True)
    folder = str(TESTS / name)
    command = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", folder]
    done = subprocess.run(
        [*command, f"--junitxml={report}"],
        cwd=CLONE,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=False,
    )
    if not report.exists():
        return False, f"pytest ended with {done.returncode}"
    suite = ElementTree.parse(report).getroot()[0]
    total, bad, skipped = (
        sum(int(suite.get(kind, 0)) for kind in kinds)
        for kinds in (("tests",), ("failures", "errors"), ("skipped",))
    )
    return done.returncode == 0, f"{total - bad - skipped} passed, {bad} failed, {skipped} skipped"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
