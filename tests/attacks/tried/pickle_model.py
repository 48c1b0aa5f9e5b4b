"""Return a whole module, a function, a class and a generator instead of values."""

CLASS = "pickling"
GAINS = ()

turn = []


class Agrees(torch.nn.Module):
    def forward(self, *_inputs):
        return True

    def __getattr__(self, _name):
        return self


def answer(*_inputs):
    turn.append(1)
    return (torch.nn.Linear(2, 2), answer, type("X", (), {}), (x for x in range(9)), Agrees)[
        len(turn) % 5
    ]
