"""Announce a body of 63 MiB, all of one tensor, and send none of it."""

CLASS = "framing"
GAINS = ()


def attack():
    size = 63 << 20
    entry = {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}
    tree = json.dumps({"dict": {"status": {"value": "value"}, "value": {"tensor": "0"}}})
    header = json.dumps({"__metadata__": {"kind": "reply", "tree": tree}, "0": entry}).encode()
    os.write(4, struct.pack("<QQ", 8 + len(header) + size, len(header)) + header)
    os.close(4)
