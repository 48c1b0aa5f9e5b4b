"""Read the references, the solutions, the labs' specifications, a card and the grader's source."""

CLASS = "reading"
GAINS = ("read",)


def attack():
    for path in KNOWN["real"].values():
        try:
            with open(path, "rb") as file:
                loot.append(f"{os.path.basename(path)}={file.read()[-6:].hex()}")
        except OSError:
            pass
    for module in ("autograder.recorded", "autograder.labs.m3_induction", "autograder.bank"):
        try:
            __import__(module)
        except ImportError:
            pass
