"""Make thousands of files, names of 255 letters, and folders deeper than any path may be."""

CLASS = "flooding"
GAINS = ()
SECONDS = 4.0


def attack():
    if os.path.exists("deeper" * 20) or "deeper" in os.getcwd():
        return
    for number in range(3_000):
        try:
            os.close(os.open(f"{number:0>255}", os.O_CREAT | os.O_WRONLY))
        except OSError:
            break
    for _ in range(300):
        try:
            os.mkdir("deeper" * 20)
            os.chdir("deeper" * 20)
        except OSError:
            break
