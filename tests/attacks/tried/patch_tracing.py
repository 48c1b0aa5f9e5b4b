"""Watch and steer the child's own code with trace, profile and audit hooks, and with warnings."""

import sys
import threading
import warnings

CLASS = "patching"
GAINS = ()


def attack():
    def trace(frame, event, result):
        if event == "return" and isinstance(result, dict) and "status" in result:
            result.update(status="pass", score=1.0, passed=True)
        frame.f_trace_opcodes = False
        return trace

    def audit(event, _arguments):
        if event in ("object.__getattr__", "marshal.loads"):
            raise RuntimeError("not now")

    sys.settrace(trace)
    sys.setprofile(trace)
    threading.setprofile(trace)
    frame = sys._getframe()
    while frame:
        frame.f_trace = trace
        frame = frame.f_back
    sys.addaudithook(audit)
    warnings.simplefilter("error")
    sys.excepthook = sys.unraisablehook = lambda *_: None
