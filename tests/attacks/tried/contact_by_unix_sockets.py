"""Reach sockets that have a path or an abstract name, with and without connecting."""

import ctypes
import socket

CLASS = "contacting"
GAINS = ("contact",)


def attack():
    libc = ctypes.CDLL(None, use_errno=True)
    for address in (
        KNOWN["abstract"],
        KNOWN["unix"],
        "/run/docker.sock",
        "/run/dbus/system_bus_socket",
    ):
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
            try:
                one = socket.socket(socket.AF_UNIX, kind)
                one.settimeout(0.2)
                one.connect(address)
                one.sendall(b"the inputs")
            except OSError:
                pass
            try:
                socket.socket(socket.AF_UNIX, kind).sendto(b"x", address)
            except OSError:
                pass
    pair = socket.socketpair()
    name = b"\1\0" + bytes(str(KNOWN["unix"]), "utf-8")
    libc.connect(pair[0].fileno(), name, len(name))
