"""Become root again, or gain a capability, by every call and set-uid program there is."""

import ctypes
import subprocess

CLASS = "writing"
GAINS = ()


def attack():
    libc = ctypes.CDLL(None, use_errno=True)
    for call in (os.setuid, os.seteuid, os.setgid, lambda uid: os.setresuid(uid, uid, uid)):
        try:
            call(0)
        except OSError:
            pass
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    libc.capset(header, (ctypes.c_uint32 * 6)(*[0xFFFFFFFF] * 6))
    libc.prctl(38, 0, 0, 0, 0)
    for program in ("su", "sudo", "mount", "newgrp", "passwd", "chfn", "bwrap"):
        try:
            subprocess.run([program, "-c", "id"], stdin=subprocess.DEVNULL, timeout=0.2)
        except (OSError, subprocess.SubprocessError):
            pass
    if os.geteuid() == 0:
        loot.append("gained hold: root")
