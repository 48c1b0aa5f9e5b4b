"""Patch the tensor methods with which an answer is turned into bytes."""

import torch

CLASS = "patching"
GAINS = ()


def attack():
    nothing = torch.zeros(0)
    for name in ("clone", "detach", "as_subclass", "reshape", "view", "numpy", "resolve_conj"):
        setattr(torch.Tensor, name, lambda *_args, **_kwargs: nothing)
    torch.Tensor.shape = property(lambda _tensor: (1, 2, 3))
    torch.Tensor.nbytes = property(lambda _tensor: 0)
    torch.Tensor.dtype = property(lambda _tensor: torch.float64)
