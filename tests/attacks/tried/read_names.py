"""List folders, for the names that are in them say something too."""

import glob

CLASS = "reading"
GAINS = ("read",)


def attack():
    found = []
    for folder in (KNOWN["folder"], "/proc/self/cwd/..", "/tmp", os.path.dirname(KNOWN["folder"])):
        for pattern in ("*", "*/*"):
            found += glob.glob(f"{folder}/{pattern}")
        try:
            found += [entry.name for entry in os.scandir(folder)]
        except OSError:
            pass
    names = map(os.path.basename, found)
    loot.extend(name for name in names if name.startswith(KNOWN["prefix"]))
