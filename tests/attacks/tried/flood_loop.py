"""Loop for ever."""

CLASS = "flooding"
GAINS = ()
SECONDS = 0.5


def attack():
    while True:
        pass
