"""Fix the random state everywhere, and make seeding do nothing."""

import random

import numpy

CLASS = "agreement"
GAINS = ()


def attack():
    random.seed = numpy.random.seed = torch.manual_seed = lambda *_args: None
    torch.default_generator.manual_seed(0)
    torch.randn = torch.rand = torch.zeros
    os.urandom = lambda count: bytes(count)
    random.random = lambda: 0.0
