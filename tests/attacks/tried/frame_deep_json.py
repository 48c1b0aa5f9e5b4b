"""Send JSON that is nested a hundred thousand deep, inside JSON."""

CLASS = "framing"
GAINS = ()


def attack():
    tree = '{"list": [' * 40_000 + "]}" * 40_000
    header = json.dumps({"__metadata__": {"kind": "reply", "tree": tree}}).encode()
    os.write(4, struct.pack("<QQ", 8 + len(header), len(header)) + header)
