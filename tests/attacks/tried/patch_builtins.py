"""Patch the built-in functions that all code uses: isinstance, len, type, sum, sorted, print."""

import builtins

CLASS = "patching"
GAINS = ()


def attack():
    plain = builtins.isinstance
    builtins.isinstance = lambda item, kinds: (
        (kinds is not bool and plain(item, kinds)) or kinds is int
    )
    builtins.len = lambda _item: 4
    builtins.sorted = builtins.list
    builtins.sum = builtins.max = builtins.min = lambda *_args, **_kwargs: 0
    builtins.callable = builtins.hasattr = lambda *_args: True
    builtins.__import__ = lambda *_args, **_kwargs: os
