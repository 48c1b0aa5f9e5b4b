"""Put colours, a title, a cleared screen, a link and reversed text into an error and in output."""

CLASS = "injecting"
GAINS = ()

CODES = (
    "\x1b[2J\x1b[31m\x1b]0;title\x07\x1b]8;;http://x\x1b\\link\x9b5m\r\u202egnihton\x08\x08[red]"
)


def attack():
    print(CODES)


def answer(*_inputs):
    raise ValueError(CODES + " 5/5 points")
