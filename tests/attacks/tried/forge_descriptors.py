"""Write to every descriptor, swap the pipes' numbers, and close them."""

CLASS = "forging"
GAINS = ()


def attack():
    claim = forged({"status": "value", "value": 1.0})
    for descriptor in range(300):
        if descriptor != 3:
            try:
                os.write(descriptor, claim)
            except OSError:
                pass
    os.dup2(1, 5)
    os.dup2(4, 1)
    os.dup2(5, 4)
    os.closerange(0, 300)
