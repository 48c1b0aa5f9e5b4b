"""Read the kernel's lists of sockets, in which the grader's have names."""

import glob

CLASS = "reading"
GAINS = ("read",)


def attack():
    for path in (*glob.glob("/proc/self/net/unix"), "/proc/net/unix", "/proc/thread-self/net/unix"):
        try:
            with open(path) as file:
                words = file.read().replace("@", " ").split()
        except OSError:
            continue
        loot.extend(word for word in words if word.startswith(KNOWN["prefix"]))
