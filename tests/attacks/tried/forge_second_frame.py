"""Send two replies at once, so that the second is read as the answer to the next call."""

import gc

CLASS = "forging"
GAINS = ()


def token():
    """Find the current call's token, which lies in this process's memory."""
    held = [item for item in gc.get_objects() if type(item) is dict and "arguments" in item]
    return next((item["token"] for item in held if isinstance(item.get("token"), str)), "0" * 16)


def attack():
    wrong = {"status": "value", "value": [0.0], "token": token()}
    os.write(4, forged(wrong) + forged({**wrong, "status": "pass"}) + forged({"status": "ready"}))
