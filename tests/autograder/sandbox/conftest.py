"""One fork server per way of confining, shared by all tests: starting one takes seconds."""

from contextlib import ExitStack
from textwrap import dedent

import pytest

from autograder.sandbox import Program, SandboxError
from autograder.sandbox.launcher import Server
from autograder.sandbox.levels import escapes
from autograder.sandbox.student import StudentProcess
from autograder.sandbox.workers import Workers

WAYS = {
    "namespaces": ("namespaces", True),
    "landlock-in-view": ("landlock", True),
    "landlock-bare": ("landlock", False),
    "process": ("process", False),
}
AT_EVERY_LEVEL = ["namespaces", "landlock-in-view", "process"]
HONEST = """
    import torch

    def double(x):
        return 2 * x
"""


class Start:
    """Start submissions at one level, and end them all."""

    def __init__(self, server: Server | Workers, stack: ExitStack) -> None:
        self.server, self.stack = server, stack

    def __call__(self, *cells: str, **facts) -> StudentProcess:
        """Return a submission with these cells."""
        program = Program(cells=[dedent(cell) for cell in cells], **facts)
        return self.stack.enter_context(StudentProcess(self.server.fork, program))

    def honest(self) -> bool:
        """Return whether an honest submission is answered as it should be."""
        answer = self(HONEST).call("double", {"x": 21})
        return answer.status == "value" and answer.value == 42


@pytest.fixture(scope="session")
def servers():
    started: dict[str, Server | Workers | str] = {}

    def server(way: str) -> Server | Workers:
        if way == "workers" and way not in started:
            started[way] = Workers()
        if way not in started:
            level, in_view = WAYS[way]
            try:
                started[way] = server = Server(level, in_view=in_view)
                found = escapes(server) if level in ("namespaces", "landlock") else []
                if found:
                    server.close()
                    started[way] = f"a confined process could {found}"
            except SandboxError as error:
                started[way] = str(error)
        found = started[way]
        if isinstance(found, str):
            pytest.skip(f"{way} cannot be had on this machine: {found}")
        return found

    yield server
    for one in started.values():
        if not isinstance(one, str):
            one.close()


def pytest_generate_tests(metafunc):
    """Run tests marked so with workers too, which take seconds to start."""
    if "start" in metafunc.fixturenames:
        marked = metafunc.definition.get_closest_marker("workers")
        ways = [*AT_EVERY_LEVEL, "workers"] if marked else AT_EVERY_LEVEL
        metafunc.parametrize("start", ways, indirect=True)


@pytest.fixture
def start(request, servers):
    """Start submissions, at every level in turn."""
    with ExitStack() as stack:
        yield Start(servers(request.param), stack)


@pytest.fixture(params=["namespaces", "landlock-in-view", "landlock-bare"])
def confined(request, servers):
    """Start submissions where they can do no harm; afterwards an honest one still works."""
    with ExitStack() as stack:
        start = Start(servers(request.param), stack)
        yield start
        assert start.honest()
