"""End the process without a word, with the status of success."""

CLASS = "leaving"
GAINS = ()


def attack():
    os._exit(0)
