"""Make every comparison agree: torch's, numpy's, math's and Tensor's own operators."""

import builtins
import math
import operator

import numpy
import torch

CLASS = "patching"
GAINS = ()


def attack():
    def agree(*_args, **_kwargs):
        return True

    for module in (torch, torch.testing, numpy, numpy.testing, math, operator):
        for name in ("equal", "allclose", "isclose", "array_equal", "eq", "assert_close"):
            if hasattr(module, name):
                setattr(module, name, agree)
    for name in ("__eq__", "__ne__", "__gt__", "__le__", "equal", "allclose", "isclose", "abs"):
        setattr(torch.Tensor, name, agree)
    builtins.abs = lambda _number: 0
    builtins.all = builtins.any = agree
