"""Change the grader's files: write, append, truncate, rename, delete, link, make others beside."""

CLASS = "writing"
GAINS = ("write",)


def attack():
    bank, drop, token = KNOWN["bank"], KNOWN["drop"], KNOWN["token"]
    ways = [
        lambda: open(bank, "a").write("x"),
        lambda: open(bank, "w").write("x"),
        lambda: os.truncate(bank, 0),
        lambda: open(f"{drop}/made", "w").write("x"),
        lambda: os.mkdir(f"{drop}/folder"),
        lambda: os.symlink(bank, f"{drop}/symbolic"),
        lambda: os.link(bank, f"{drop}/hard"),
        lambda: os.mkfifo(f"{drop}/pipe"),
        lambda: os.rename(KNOWN["ada"], f"{drop}/ada"),
        lambda: os.unlink(KNOWN["gradebook"]),
        lambda: os.open(drop, os.O_TMPFILE | os.O_RDWR, 0o600),
        *[lambda place=place: open(f"{place}/{token}", "w") for place in KNOWN["places"]],
    ]
    for way in ways:
        try:
            way()
        except OSError:
            pass
