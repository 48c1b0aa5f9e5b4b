"""Send tensors that lie over each other, with negative axes and more axes than torch has."""

CLASS = "framing"
GAINS = ()


def attack():
    entries = {
        "a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
        "b": {"dtype": "F32", "shape": [-1, -2], "data_offsets": [4, 12]},
        "c": {"dtype": "F64", "shape": [1] * 80, "data_offsets": [0, 8], "stride": [0] * 80},
    }
    tree = json.dumps({"list": [{"tensor": name} for name in entries]})
    header = json.dumps({"__metadata__": {"kind": "reply", "tree": tree}, **entries}).encode()
    os.write(4, struct.pack("<QQ", 8 + len(header) + 12, len(header)) + header + bytes(12))
