"""Patch what builds a reply: json, int.to_bytes by way of ctypes, os.write, sys.modules."""

import ctypes
import gc
import json
import os
import sys
import types

CLASS = "patching"
GAINS = ()


def attack():
    write, dumps = os.write, json.dumps
    os.write = lambda fd, raw: write(fd, bytes(raw).replace(b"fail", b"pass"))
    json.dumps = lambda value, **rest: dumps(value, **rest).replace('"score": 0', '"score": 1')
    # Built-in types refuse to be changed, unless the table behind them is.
    table = gc.get_referents(int.__dict__)[0]
    table["bit_length"] = lambda _number: 0
    ctypes.pythonapi.PyType_Modified(ctypes.py_object(int))
    for name in ("autograder.compare", "autograder.diagnose", "autograder.batch"):
        fake = types.ModuleType(name)
        fake.compare = fake.judge = fake.grade = lambda *_: True
        sys.modules[name] = fake
