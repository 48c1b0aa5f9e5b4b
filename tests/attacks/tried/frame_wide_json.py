"""Send a header of a hundred thousand keys, numbers of a thousand digits and half characters."""

CLASS = "framing"
GAINS = ()


def attack():
    tree = '{"list": [' + ", ".join(['{"value": ' + "9" * 1000 + "}"] * 500) + "]}"
    names = {f"\ud800{place}": [] for place in range(20_000)}
    header = json.dumps({"__metadata__": {"kind": "reply", "tree": tree}, **names}).encode()
    raw = struct.pack("<QQ", 8 + len(header), len(header)) + header
    while raw:
        raw = raw[os.write(4, raw) :]
