"""Return lists that hold themselves, texts of megabytes, huge numbers and half characters."""

CLASS = "framing"
GAINS = ()

turn = []


def answer(*_inputs):
    turn.append(1)
    inner = []
    inner.append(inner)
    return (inner, ["x" * 99_000] * 9, 10**5000, {"\ud800": 1}, {frozenset()})[len(turn) % 5]
