"""Open the pipes' other ends: ask oneself easier questions, take back a reply, stop the reading."""

import fcntl

CLASS = "forging"
GAINS = ()


def attack():
    for descriptor, how in ((3, os.O_WRONLY), (4, os.O_RDONLY), (1, os.O_RDONLY)):
        try:
            other = os.open(f"/proc/self/fd/{descriptor}", how | os.O_NONBLOCK)
        except OSError:
            continue
        fcntl.fcntl(other, fcntl.F_SETFL, os.O_NONBLOCK)
        try:
            if how == os.O_WRONLY:
                easy = {"entry": "answer", "token": "0" * 16, "megabytes": 10, "seed": 0}
                os.write(other, forged({**easy, "names": "", "arguments": ""}, "call"))
            else:
                os.read(other, 1 << 16)
        except OSError:
            pass
    for descriptor in (1, 2, 3, 4):
        try:
            fcntl.fcntl(descriptor, 1031, 4096)  # F_SETPIPE_SZ
        except OSError:
            pass
