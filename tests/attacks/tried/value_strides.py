"""Return views that overlap, repeat one number a billion times, or reach past their storage."""

CLASS = "framing"
GAINS = ()

turn = []


def answer(*inputs):
    turn.append(1)
    size = inputs[0].shape[1]
    match len(turn) % 4:
        case 0:
            return torch.zeros(1).expand(10**12)
        case 1:
            return torch.zeros(2).as_strided((size, 2), (0, 0))
        case 2:
            small = torch.zeros(4)
            small.untyped_storage().resize_(0)
            return small
        case _:
            return torch.zeros(0, 2**31, 2**31)
