"""Return a Tensor subclass that agrees with every comparison and lies about its shape."""

import torch

CLASS = "agreeing"
GAINS = ()


class Yes(torch.Tensor):
    shape = property(lambda self: torch.Size([4]))
    dtype = property(lambda self: torch.float32)

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        if function.__name__ in ("__eq__", "eq", "equal", "allclose", "isclose", "isfinite", "all"):
            return True
        if function.__name__ in ("abs", "sub", "__sub__", "__rsub__", "double", "to", "clone"):
            return torch.zeros(4)
        return super().__torch_function__(function, types, args, kwargs or {})

    def __eq__(self, other):
        return True

    def __reduce_ex__(self, protocol):
        return (bool, (1,))


def answer(*inputs):
    return torch.full((inputs[0].shape[1],), -1.0).as_subclass(Yes)
