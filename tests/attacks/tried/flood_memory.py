"""Take all memory: by tensors, by pages mapped and locked, by pipes and by page tables."""

import mmap

CLASS = "flooding"
GAINS = ()
SECONDS = 4.0

held = []


def attack():
    try:
        while True:
            held.append(os.pipe())
            os.write(held[-1][1], bytes(65536))
    except OSError:
        pass
    try:
        held.append(mmap.mmap(-1, 64 << 30, prot=mmap.PROT_READ))
    except (OSError, ValueError):
        pass
    while len(held) < 400:  # at level `none` there is a limit too, but not for root
        held.append(torch.ones(1 << 22))
    held.clear()
