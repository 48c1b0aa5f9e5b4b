"""Try every family of sockets that the kernel has: netlink, vsock, packet, crypto, bluetooth."""

import socket

CLASS = "contacting"
GAINS = ("contact",)


def attack():
    opened = set()
    for family in range(2, 46):
        for kind in (1, 2, 3, 5):
            try:
                socket.socket(family, kind, 0).close()
                opened.add(family)
            except (OSError, ValueError):
                continue
    if opened:
        loot.append("gained contact: sockets that reach outside can be made")
