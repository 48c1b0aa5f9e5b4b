"""Raise errors whose text takes for ever, is endless, exits, or is a chain of ten thousand."""

import sys

CLASS = "flooding"
GAINS = ()

turn = []


class Endless(Exception):
    def __str__(self):
        return "x" * 10**9


class Exits(BaseException):
    def __str__(self):
        sys.exit(0)

    __repr__ = __str__


def answer(*_inputs):
    turn.append(1)
    if len(turn) % 3 == 1:
        raise Exits
    if len(turn) % 3 == 2:
        raise Endless
    error = ValueError()
    for _ in range(10_000):
        later = ValueError("y" * 100)
        later.__cause__ = error
        error = later
    raise error
