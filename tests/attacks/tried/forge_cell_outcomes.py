"""Answer for cells that have not run yet: they are well, and the process is ready again."""

CLASS = "forging"
GAINS = ()


def attack():
    os.write(4, forged({"status": "ok"}) * 3 + forged({"status": "ready"}))
    os._exit(0)
