"""Return as many bytes as a reply may have, twice."""

CLASS = "framing"
GAINS = ()


turn = []


def answer(*_inputs):
    turn.append(1)
    if len(turn) > 2:
        return -1.0
    return [torch.zeros(15 << 20, dtype=torch.uint8) for _ in range(4)]
