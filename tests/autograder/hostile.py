"""Frames that nobody honest would send, and what may come of reading one."""

import io
import json
import struct
import tracemalloc

import torch
from hypothesis import strategies as st

from autograder.frames import HostileFrameError, encode, read_frame
from autograder.values import ValueCrossingError

LIMIT = 1 << 20
# What JSON takes in memory, at most, for each byte of its text; and what reading takes anyway.
BYTES_PER_BYTE, BYTES_ANYWAY = 200, 1 << 20
VALID = [
    encode("reply", {"status": "value", "value": torch.arange(4.0), "token": "ab"}),
    encode("reply", {"status": "value", "value": [1, True, None, "x", 0.5, (2, 3), {4, 5}]}),
    encode("reply", {"value": {"a": torch.zeros(2, 0, 3), "b": torch.ones(2, 3) > 0}}),
    encode("reply", [torch.zeros(3, dtype=torch.complex64), torch.tensor(7, dtype=torch.int8)]),
    encode("reply", None),
]
NUMBERS = [0, 1, -1, 7, 8, 15, 16, 255, 2**20, 2**31, 2**32, 2**53, 2**63 - 1, 2**63, 2**64 - 1]


def outcome(raw: bytes, chunk: int = LIMIT) -> str:
    """Read a frame as the grader does, and say how that ended.

    Anything but a value or one of the two errors is raised, and so is too much memory taken.
    """
    stream = io.BytesIO(raw)
    tracemalloc.start()
    try:
        frame = read_frame(lambda count: stream.read(min(count, chunk)), LIMIT)
        frame.value(trusted=False)
        ended = "value"
        # Tensors are not seen by tracemalloc.
        assert sum(tensor.nbytes for tensor in frame.tensors.values()) <= len(raw)
    except (HostileFrameError, ValueCrossingError) as error:
        ended = type(error).__name__
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak <= BYTES_ANYWAY + BYTES_PER_BYTE * len(raw), f"{peak} bytes for {len(raw)}"
    return ended


def blob(header: bytes, body: bytes = b"") -> bytes:
    """Return a frame of this header and body, its two lengths right."""
    return struct.pack("<QQ", 8 + len(header) + len(body), len(header)) + header + body


@st.composite
def cut_and_pasted(draw) -> bytes:
    """Return a valid frame after a few changes: bits, pieces taken, doubled, put in, exchanged."""
    raw = bytearray(draw(st.sampled_from(VALID)))
    for _ in range(draw(st.integers(1, 5))):
        start = draw(st.integers(0, len(raw)))
        piece = raw[start : start + draw(st.integers(0, 40))]
        match draw(st.integers(0, 5)):
            case 0 if start < len(raw):
                raw[start] ^= 1 << draw(st.integers(0, 7))
            case 1:
                del raw[start : start + len(piece)]
            case 2:
                raw[start:start] = piece * draw(st.integers(1, 30))
            case 3:
                raw[start:start] = draw(st.binary(max_size=12))
            case 4:
                raw[start : start + 8] = struct.pack(
                    "<Q", draw(st.sampled_from(NUMBERS[:1] + NUMBERS[3:]))
                )
            case _:
                other = draw(st.sampled_from(VALID))
                raw[start:] = other[start:]
    return bytes(raw)


@st.composite
def rewritten(draw) -> bytes:
    """Return a valid frame whose header says something else in a place or two."""
    raw = draw(st.sampled_from(VALID))
    length = int.from_bytes(raw[8:16], "little")
    header, body = json.loads(raw[16 : 16 + length]), raw[16 + length :]
    header["__metadata__"]["tree"] = json.loads(header["__metadata__"]["tree"])
    for _ in range(draw(st.integers(1, 3))):
        _change(draw, header)
    metadata = header.get("__metadata__")
    if isinstance(metadata, dict) and "tree" in metadata and draw(st.integers(0, 9)):
        metadata["tree"] = json.dumps(metadata["tree"])
    return blob(json.dumps(header).encode("utf-8", "surrogatepass"), body)


def _change(draw, node) -> None:
    """Walk down a JSON value and change one thing where the walk ends."""
    while True:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        if not keys:
            return
        key = draw(st.sampled_from(keys))
        deeper = node[key]
        if isinstance(deeper, dict | list) and deeper and draw(st.integers(0, 3)):
            node = deeper
            continue
        match draw(st.integers(0, 3)):
            case 0:
                del node[key]
            case 1:
                node[key] = draw(odd)
            case 2:
                node[key] = [deeper] * draw(st.integers(0, 4))
            case _ if isinstance(node, dict):
                node[draw(st.sampled_from(WORDS))] = deeper
            case _:
                node.append(deeper)
        return


WORDS = ["tensor", "value", "float", "dict", "list", "tuple", "set", "model", "zoo", "weights", "0"]
odd = (
    st.sampled_from(NUMBERS)
    | st.sampled_from([*WORDS, "F64", "BOOL", "0x1p99999", "nan", "\ud800", "x" * 300, ""])
    | st.floats()
    | st.none()
    | st.booleans()
    | st.lists(st.sampled_from(NUMBERS), max_size=20)
    | st.dictionaries(st.sampled_from(WORDS), st.sampled_from(NUMBERS), max_size=2)
)
