"""Recurse through Python and through C until the stack ends."""

import functools
import sys

CLASS = "flooding"
GAINS = ()
SECONDS = 3.0


class Deep:
    def __repr__(self):
        return repr(self)

    def __getattr__(self, name):
        return getattr(self, name)


def attack():
    sys.setrecursionlimit(1 << 30)
    functools.reduce(lambda one, _: [one], range(1_000_000), [])
    repr(Deep())
