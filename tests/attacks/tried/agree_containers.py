"""Return containers that are one thing when they are checked and another when they are read."""

import collections.abc

CLASS = "agreeing"
GAINS = ()


class Endless(list):
    def __iter__(self):
        while True:
            yield 0.0

    def __len__(self):
        return 4


class Changing(dict):
    reads = 0

    def __iter__(self):
        return iter(("a",))

    def items(self):
        Changing.reads += 1
        return {"previous_token": set(), f"read {Changing.reads}": self}.items()


class Claims(dict):
    """Shows a reply's fields, in case the answer is merged into the reply."""

    def keys(self):
        return ("status", "token", "passed")

    def __getitem__(self, key):
        return "pass"


collections.abc.Mapping.register(Endless)
turn = []


def answer(*_inputs):
    turn.append(1)
    return (Endless([1.0]), Changing(a=1), Claims(status="pass"))[len(turn) % 3]
