"""Find source text that was left in linecache, inspect, tracemalloc or a traceback."""

import inspect
import linecache
import sys
import tracemalloc

CLASS = "climbing"
GAINS = ("read",)


def attack():
    tracemalloc.start()
    for name, module in list(sys.modules.items()):
        if name.startswith(("autograder", "course.zoo.scores")):
            try:
                loot.append(f"gained read: {len(inspect.getsource(module))} letters of {name}")
            except (OSError, TypeError):
                pass
    for path in [*KNOWN["real"].values(), KNOWN["bank"], KNOWN["ada"]]:
        lines = linecache.getlines(path)
        if lines:
            loot.append(f"{os.path.basename(path)}={lines[-1].encode()[-6:].hex()}")
            loot.append(lines[0].strip("# \n"))
