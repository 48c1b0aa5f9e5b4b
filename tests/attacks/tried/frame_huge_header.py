"""Announce a header of 2**62 bytes."""

CLASS = "framing"
GAINS = ()


def attack():
    os.write(4, struct.pack("<QQ", 1 << 63, 1 << 62) + b"{" * 1000)
