"""Send replies without end, faster than they can be read."""

CLASS = "framing"
GAINS = ()


def attack():
    many = forged({"status": "value", "value": 1.0}) * 5000
    while True:
        os.write(4, many)
