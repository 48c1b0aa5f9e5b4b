"""Leave a note about the hidden inputs, die, and read it in the process that is started next."""

CLASS = "lingering"
GAINS = ("left", "write")


NOTES = [
    f"{place}/note-{KNOWN['token']}"
    for place in (".", os.environ["HOME"], "/tmp", "/dev/shm", KNOWN["drop"], *KNOWN["places"])
]


def attack():
    for note in NOTES:
        try:
            with open(note, "w") as file:
                file.write("what the inputs were")
        except OSError:
            pass
    os._exit(0)


def answer(*_inputs):
    if any(map(os.path.exists, NOTES)):
        raise RuntimeError("gained left: a note of an earlier process")
    return torch.zeros(1)
