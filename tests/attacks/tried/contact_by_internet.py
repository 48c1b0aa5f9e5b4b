"""Send what was seen to another machine: TCP, UDP, a name server, a proxy."""

import socket
import urllib.request

CLASS = "contacting"
GAINS = ("contact",)
SECONDS = 3.0


def attack():
    ways = (
        lambda: socket.create_connection(tuple(KNOWN["tcp"]), 0.5).sendall(b"the inputs"),
        lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", tuple(KNOWN["udp"])),
        lambda: urllib.request.urlopen(f"http://127.0.0.1:{KNOWN['tcp'][1]}/", timeout=0.2),
        lambda: socket.create_server(("0.0.0.0", 0)),
        lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).sendto(b"x", ("::1", 9)),
    )
    for way in ways:
        try:
            way()
        except (OSError, ValueError):
            pass
