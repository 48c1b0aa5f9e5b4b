"""Put other checks in the place of the lab's: a module `autograder` that gives full marks."""

import sys
import types

CLASS = "rewriting"
GAINS = ()


def attack():
    fake = types.ModuleType("autograder")
    fake.lab = lambda _name: (lambda *_: 1.0, lambda *_: None)
    fake.check = fake.judge = fake.compare = lambda *_args, **_named: 1.0
    fake.__path__ = []
    for name in ("autograder", "autograder.check", "autograder.compare", "nbgrader", "pytest"):
        sys.modules[name] = fake
    globals()["check"] = lambda *_: 1.0
    globals()["__name__"] = "autograder.batch"
    os.environ["NBGRADER_EXECUTION"] = "autograde"
