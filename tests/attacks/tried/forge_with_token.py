"""Find the call's token in the caller's frames and answer in the child's stead, with a score."""

import sys

CLASS = "forging"
GAINS = ()


def attack():
    frame = sys._getframe()
    while frame:
        request = frame.f_locals.get("request")
        if isinstance(request, dict) and "token" in request:
            claim = {"status": "value", "value": 1.0, "token": request["token"]}
            os.write(4, forged({**claim, "score": 5.0, "passed": True, "max_score": 0.0}))
            os._exit(0)
        frame = frame.f_back
