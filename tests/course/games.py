"""A game without any structure, for attributions that have to work on all of them."""

import torch

N = 4  # players


def table(seed, n=N):
    """Return a game with any values at all, from a table by the row's binary number."""
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn(2**n, generator=generator, dtype=torch.float64)
    return lambda coalitions: values[(coalitions * 2 ** torch.arange(n)).sum(dim=1)]
