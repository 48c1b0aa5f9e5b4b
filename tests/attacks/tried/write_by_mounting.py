"""Change the file system's shape: mounts, roots, namespaces, file systems of one's own."""

import ctypes

CLASS = "writing"
GAINS = ()

NAMESPACES = 0x10000000 | 0x00020000  # of users and of mounts


def attack():
    libc = ctypes.CDLL(None, use_errno=True)
    drop = KNOWN["drop"].encode()
    libc.unshare(NAMESPACES)
    libc.mount(b"none", drop, b"tmpfs", 0, KNOWN["token"].encode())
    libc.mount(KNOWN["bank"].encode(), b"bank", None, 4096, None)
    libc.umount2(b"/proc", 2)
    libc.pivot_root(b".", b".")
    libc.syscall(428, -100, b"/", 1)  # open_tree
    libc.syscall(430, b"tmpfs", 0)  # fsopen
    libc.syscall(442, -100, b"/", 0, (ctypes.c_uint64 * 4)(0, 1), 32)  # mount_setattr
    for kind in ("user", "mnt", "pid", "net"):
        try:
            libc.setns(os.open(f"/proc/{KNOWN['grader']}/ns/{kind}", os.O_RDONLY), 0)
        except OSError:
            pass
    for way in (lambda: os.chroot("."), lambda: os.chdir(KNOWN["folder"])):
        try:
            way()
        except OSError:
            pass
