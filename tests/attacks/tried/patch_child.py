"""Replace what the child process itself uses, found by way of its frames, to claim full marks."""

import sys

CLASS = "patching"
GAINS = ()


def claiming(encode):
    claim = {"score": 100.0, "max_score": 0.0, "passed": True, "failed_check": None, "cases": 0}
    return lambda kind, reply: encode(kind, {**reply, **claim})


def attack():
    frame = sys._getframe()
    while frame:
        names = frame.f_globals
        if "send" in names and "encode" in names:
            names["encode"] = claiming(names["encode"])
            names["seed"] = names["peak_rss_mb"] = lambda *_number: 0.0
            names["failure"] = lambda *_error: {"status": "value", "value": 0.0}
        frame = frame.f_back
