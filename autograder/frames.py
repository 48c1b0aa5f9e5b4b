"""What crosses the wall between the grader and a student's process: one value, as one frame.

A frame is its length (u64, little-endian) and a safetensors blob: the header's length (u64), a JSON
header that names every tensor's dtype, shape and offsets and holds the tree of the value under
`__metadata__`, and raw bytes. There is no pickle, and reading a frame runs nothing that is in it.

The reader trusts nothing. The header is checked before the body is read: length, number of
tensors, dtypes, shapes, that each tensor fills exactly its bytes and that together they fill the
body without gap or overlap. Memory grows with the bytes that arrive, never with a number that was
claimed. All that can be wrong raises `HostileFrameError`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from autograder.values import MAX_DEPTH, ValueCrossingError, flatten, unflatten

MAX_FRAME = 64 << 20
MAX_HEADER = 1 << 20
MAX_TENSORS = 2048
MAX_AXES = 16
MAX_AXIS = 1 << 31
# In the tree each container is an object with a list or an object inside it.
MAX_JSON_DEPTH = 2 * MAX_DEPTH + 8
MAX_JSON_PARTS = 100_000
MAX_NAME = 200
CHUNK = 1 << 20
LONE_SURROGATE = re.compile("[\ud800-\udfff]")
KIND = re.compile(r"[a-z_]{1,32}")

DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
    "C64": torch.complex64,
    "C128": torch.complex128,
}
NAMES = {dtype: name for name, dtype in DTYPES.items()}

Read = Callable[[int], bytes]


class HostileFrameError(ValueError):
    """A frame that `encode` would not have written."""


class FrameEndedError(HostileFrameError):
    """The stream ended before the frame did. `started` tells whether any of it had arrived."""

    def __init__(self, *, started: bool) -> None:
        super().__init__("the frame is cut short" if started else "there is no frame")
        self.started = started


@dataclass(frozen=True)
class Frame:
    """One message: what kind it is, the tree of its value and the tensors that the tree names."""

    kind: str
    tree: Any
    tensors: dict[str, Tensor]

    def value(self, *, trusted: bool) -> Any:
        """Rebuild the value; each call gives a copy that shares nothing with the last.

        Raises:
            ValueCrossingError: the tree is not one that `flatten` gives.

        """
        return unflatten(self.tree, self.tensors, trusted=trusted)


@dataclass(frozen=True)
class _Entry:
    name: str
    dtype: torch.dtype
    shape: tuple[int, ...]
    begin: int
    end: int


def encode(kind: str, value: Any, limit: int = MAX_FRAME) -> bytes:
    """Return one frame, ready to be written.

    Raises:
        ValueCrossingError: the value may not cross, or takes more than `limit` bytes.

    """
    tree, tensors = flatten(value)
    size = sum(tensor.nbytes for tensor in tensors.values())
    if size > limit - MAX_HEADER:
        raise ValueCrossingError(
            f"the value has {size / 2**20:.1f} MiB of tensors; at most "
            f"{(limit - MAX_HEADER) / 2**20:.0f} MiB can be graded"
        )
    header: dict[str, Any] = {"__metadata__": {"kind": kind, "tree": json.dumps(tree)}}
    begin = 0
    for name, tensor in tensors.items():
        end = begin + tensor.nbytes
        shape = list(tensor.shape)
        entry = {"dtype": NAMES[tensor.dtype], "shape": shape, "data_offsets": [begin, end]}
        header[name] = entry
        begin = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    if len(text) > MAX_HEADER or len(tensors) > MAX_TENSORS:
        raise ValueCrossingError("the value has too many parts or too much text to be graded")
    parts = [_u64(8 + len(text) + size), _u64(len(text)), text]
    return b"".join(parts + [_raw(tensor) for tensor in tensors.values()])


def read_frame(read: Read, limit: int = MAX_FRAME) -> Frame:
    """Read one frame; `read(n)` returns 1 to n bytes, or none at the end of the stream.

    Raises:
        HostileFrameError: anything about the frame is wrong. The stream is then at no known place:
            close it.

    """
    total = int.from_bytes(_exactly(read, 8, started=False), "little")
    if not 16 <= total <= limit:
        raise HostileFrameError(f"a frame of {total} bytes; 16 to {limit} are allowed")
    length = int.from_bytes(_exactly(read, 8), "little")
    if not 2 <= length <= min(MAX_HEADER, total - 8):
        raise HostileFrameError(f"a header of {length} bytes in a frame of {total}")
    kind, tree, entries = _check_header(bytes(_exactly(read, length)), total - 8 - length)
    body = memoryview(_exactly(read, total - 8 - length))
    return Frame(kind, tree, {entry.name: _tensor(entry, body) for entry in entries})


def read_own_frame(read: Read) -> Frame:
    """Read a frame that the grader wrote, without checks or copies: its tensors share one buffer.

    Only the student's process may use this, which has nothing to fear from the grader.
    """
    total = int.from_bytes(_exactly(read, 8, started=False), "little")
    blob = _exactly(read, total)
    start = 8 + int.from_bytes(blob[:8], "little")
    header = json.loads(blob[8:start])
    metadata = header.pop("__metadata__")
    tensors = {
        name: _view(blob, start + entry["data_offsets"][0], DTYPES[entry["dtype"]], entry["shape"])
        for name, entry in header.items()
    }
    return Frame(metadata["kind"], json.loads(metadata["tree"]), tensors)


def _view(blob: bytearray, offset: int, dtype: torch.dtype, shape: list[int]) -> Tensor:
    count = math.prod(shape)
    if not count:
        return torch.empty(shape, dtype=dtype)
    return torch.frombuffer(blob, dtype=dtype, count=count, offset=offset).reshape(shape)


def _exactly(read: Read, count: int, *, started: bool = True) -> bytearray:
    got = bytearray()
    while len(got) < count:
        chunk = read(min(CHUNK, count - len(got)))
        if not chunk:
            raise FrameEndedError(started=started or bool(got))
        got += chunk
    return got


def _check_header(raw: bytes, body: int) -> tuple[str, Any, list[_Entry]]:
    header = _parse(raw)
    if not isinstance(header, dict):
        raise HostileFrameError("the header is not an object")
    metadata = header.pop("__metadata__", None)
    if not isinstance(metadata, dict) or set(metadata) != {"kind", "tree"}:
        raise HostileFrameError("the metadata is not a kind and a tree")
    kind, tree = metadata["kind"], metadata["tree"]
    if not isinstance(kind, str) or not KIND.fullmatch(kind) or not isinstance(tree, str):
        raise HostileFrameError("the metadata is not a kind and a tree")
    if len(header) > MAX_TENSORS:
        raise HostileFrameError(f"{len(header)} tensors; at most {MAX_TENSORS} are allowed")
    entries = [_check_entry(name, entry) for name, entry in header.items()]
    _check_offsets(entries, body)
    return kind, _parse(tree.encode("utf-8", "surrogatepass")), entries


def _parse(raw: bytes) -> Any:
    # Every part of a JSON text but the first stands behind one of these.
    if sum(raw.count(mark) for mark in (b"[", b"{", b",")) > MAX_JSON_PARTS:
        raise HostileFrameError(f"JSON of more than {MAX_JSON_PARTS} parts")
    try:
        parsed = json.loads(raw.decode(), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise HostileFrameError("what should be JSON is not") from error
    # Most texts are too short to be deep, and without an escape there is no half of a pair.
    if raw.count(b"[") + raw.count(b"{") > MAX_JSON_DEPTH or b"\\u" in raw:
        _check_json(parsed)
    return parsed


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key twice")
    return found


def _check_json(parsed: Any) -> None:
    """Refuse deep trees, and text that could not be printed or written later."""
    level = [parsed]
    for _ in range(MAX_JSON_DEPTH):
        texts = [node for node in level if isinstance(node, str)]
        texts += [key for node in level if isinstance(node, dict) for key in node]
        if any(LONE_SURROGATE.search(text) for text in texts):
            raise HostileFrameError("text with half a surrogate pair")
        level = [
            child
            for node in level
            if isinstance(node, dict | list)
            for child in (node.values() if isinstance(node, dict) else node)
        ]
        if not level:
            return
    raise HostileFrameError(f"JSON nested more than {MAX_JSON_DEPTH} deep")


def _check_entry(name: str, entry: Any) -> _Entry:
    if len(name) > MAX_NAME:
        raise HostileFrameError("a tensor with too long a name")
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise HostileFrameError("a tensor without exactly dtype, shape and data_offsets")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise HostileFrameError("a tensor of an unknown dtype")
    if not _whole_numbers(shape) or len(shape) > MAX_AXES or any(n > MAX_AXIS for n in shape):
        raise HostileFrameError("a tensor whose shape is not a short list of small numbers")
    if not _whole_numbers(offsets) or len(offsets) != 2:
        raise HostileFrameError("a tensor whose offsets are not two numbers")
    begin, end = offsets
    if end - begin != math.prod(shape) * DTYPES[dtype].itemsize:
        raise HostileFrameError("a tensor whose bytes do not fit its shape")
    # An empty tensor can still have strides that overflow.
    if begin == end and math.prod(max(n, 1) for n in shape) > MAX_AXIS:
        raise HostileFrameError("a tensor whose shape is too large")
    return _Entry(name, DTYPES[dtype], tuple(shape), begin, end)


def _whole_numbers(items: Any) -> bool:
    return isinstance(items, list) and all(type(item) is int and item >= 0 for item in items)


def _check_offsets(entries: list[_Entry], body: int) -> None:
    position = 0
    for entry in sorted(entries, key=lambda entry: (entry.begin, entry.end)):
        if entry.begin != position:
            raise HostileFrameError("tensors that overlap or leave gaps")
        position = entry.end
    if position != body:
        raise HostileFrameError(f"tensors of {position} bytes in a body of {body}")


def _tensor(entry: _Entry, body: memoryview) -> Tensor:
    if entry.begin == entry.end:
        return torch.empty(entry.shape, dtype=entry.dtype)
    # A copy: aligned, and freed with the tensor.
    data = bytearray(body[entry.begin : entry.end])
    if entry.dtype == torch.bool and data.strip(b"\x00\x01"):
        raise HostileFrameError("a bool tensor with bytes other than 0 and 1")
    return torch.frombuffer(data, dtype=entry.dtype).reshape(entry.shape)


def _raw(tensor: Tensor) -> bytes:
    return tensor.reshape(-1).view(torch.uint8).numpy().tobytes() if tensor.numel() else b""


def _u64(number: int) -> bytes:
    return number.to_bytes(8, "little")
