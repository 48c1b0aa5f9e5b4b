"""Fill the disk, and every place that looks like one."""

CLASS = "flooding"
GAINS = ("write",)
SECONDS = 3.0


def attack():
    # Where nothing stops it this is an instructor's own disk: a little is enough there.
    megabytes, files = (60, 12) if KNOWN["confined"] else (1, 3)
    block = bytes(1 << 20)
    for place in (".", "/tmp", "/dev/shm", "/var/tmp"):
        for number in range(files):
            try:
                with open(f"{place}/fill-{number}" + KNOWN["token"], "wb") as file:
                    for _ in range(megabytes):
                        file.write(block)
            except OSError:
                break
