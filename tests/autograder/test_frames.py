"""Frames: every value comes back, and nothing hostile gets further than one error."""

import io
import json
import tracemalloc

import hostile
import pytest
import torch
from hostile import outcome
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder import frames
from autograder.frames import FrameEndedError, HostileFrameError, encode, read_frame
from autograder.values import ValueCrossingError

torch.set_num_threads(1)
calm = settings(deadline=None)

DTYPES = list(frames.DTYPES.values())
FLOAT = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


def blob(header, body=b"", *, length=None, total=None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    length = len(text) if length is None else length
    total = 8 + len(text) + len(body) if total is None else total
    return total.to_bytes(8, "little") + length.to_bytes(8, "little") + text + body


def meta(tree=None, kind="value", **tensors):
    tree = {"value": None} if tree is None else tree
    return {"__metadata__": {"kind": kind, "tree": json.dumps(tree)}, **tensors}


def read(raw: bytes, limit=frames.MAX_FRAME):
    return read_frame(io.BytesIO(raw).read, limit)


def returned(value):
    return read(encode("value", value)).value(trusted=False)


leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**200), 2**200),
    st.floats(allow_nan=False),
    st.text(alphabet=st.characters(exclude_categories=["Cs"])),
)
values = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(
            st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=5),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=12,
)


class TestRoundTrip:
    @calm
    @given(values)
    def test_plain_values_come_back_with_their_types(self, value):
        back = returned(value)
        assert back == value
        assert type(back) is type(value)

    @pytest.mark.parametrize("dtype", DTYPES, ids=str)
    @pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 5), (2, 3, 4)], ids=str)
    def test_tensors_come_back_bit_for_bit(self, dtype, shape):
        tensor = (torch.randn(shape) * 3).to(dtype)
        back = returned(tensor)
        assert back.dtype == dtype
        assert back.shape == tensor.shape
        assert torch.equal(back, tensor)

    def test_nan_and_infinities_are_values_like_others(self):
        tensor = torch.tensor([torch.nan, torch.inf, -torch.inf, -0.0])
        assert torch.equal(returned(tensor).view(torch.int32), tensor.view(torch.int32))
        assert returned([float("nan"), float("inf")])[1] == float("inf")

    def test_views_are_written_as_what_they_show(self):
        tensor = torch.arange(12.0).reshape(3, 4)
        views = [tensor.T, tensor[:, ::2], tensor[0].expand(5, 4)]
        assert all(torch.equal(a, b) for a, b in zip(returned(views), views, strict=True))

    def test_two_copies_of_one_frame_share_nothing(self):
        frame = read(encode("call", torch.zeros(3)))
        frame.value(trusted=True).add_(1)
        assert torch.equal(frame.value(trusted=True), torch.zeros(3))

    def test_frames_follow_each_other_in_a_stream(self):
        stream = io.BytesIO(encode("one", [1]) + encode("two", {"x": torch.ones(2)}))
        assert [read_frame(stream.read).kind for _ in range(2)] == ["one", "two"]

    def test_a_reader_that_gives_one_byte_at_a_time(self):
        stream = io.BytesIO(encode("value", torch.arange(5)))
        frame = read_frame(lambda _count: stream.read(1))
        assert torch.equal(frame.value(trusted=False), torch.arange(5))

    def test_safetensors_itself_reads_the_blob(self):
        safetensors = pytest.importorskip("safetensors.torch")
        tensor = torch.arange(6.0).reshape(2, 3)
        loaded = safetensors.load(encode("value", tensor)[8:])
        assert torch.equal(loaded["0"], tensor)


class TestWhatMayNotBeWritten:
    @pytest.mark.parametrize(
        "value",
        [object(), print, {1: 2}, torch.nn.Linear(2, 2)],
        ids=["object", "function", "int key", "module"],
    )
    def test_other_types(self, value):
        with pytest.raises(ValueCrossingError):
            encode("value", value)

    def test_too_many_bytes(self):
        with pytest.raises(ValueCrossingError, match="MiB"):
            encode("value", torch.zeros(1 << 20), limit=2 << 20)

    def test_too_many_tensors(self):
        with pytest.raises(ValueCrossingError, match="too many parts"):
            encode("value", [torch.zeros(1)] * (frames.MAX_TENSORS + 1))


WRONG_ENTRIES = {
    "unknown dtype": {**FLOAT, "dtype": "F128"},
    "dtype not text": {**FLOAT, "dtype": ["F32"]},
    "shape beyond bytes": {**FLOAT, "shape": [2, 2]},
    "negative axes that multiply right": {**FLOAT, "shape": [-1, -2]},
    "bool as axis": {**FLOAT, "shape": [2, True]},
    "float as axis": {**FLOAT, "shape": [2.0]},
    "huge axis": {**FLOAT, "shape": [2**70]},
    "shape not a list": {**FLOAT, "shape": 2},
    "many axes": {**FLOAT, "shape": [2] + [1] * 40},
    "offsets reversed": {**FLOAT, "data_offsets": [8, 0]},
    "three offsets": {**FLOAT, "data_offsets": [0, 8, 8]},
    "offsets with a gap": {**FLOAT, "data_offsets": [4, 12]},
    "offsets beyond the body": {**FLOAT, "shape": [4], "data_offsets": [0, 16]},
    "stride": {**FLOAT, "stride": [0]},
    "no shape": {"dtype": "F32", "data_offsets": [0, 8]},
    "not an object": [0, 8],
    "huge empty tensor": {"dtype": "F32", "shape": [0, 2**31, 2**31], "data_offsets": [0, 0]},
}
GOOD = encode("value", {"x": torch.arange(4.0), "y": [1, True, None]})


class TestHostile:
    @pytest.mark.parametrize("entry", WRONG_ENTRIES.values(), ids=WRONG_ENTRIES)
    def test_wrong_entries(self, entry):
        with pytest.raises(HostileFrameError):
            read(blob(meta(x=entry), bytes(8)))

    def test_the_entry_that_these_vary_is_right(self):
        assert read(blob(meta({"tensor": "x"}, x=FLOAT), bytes(8))).kind == "value"

    def test_overlapping_tensors(self):
        with pytest.raises(HostileFrameError, match="overlap"):
            read(blob(meta(x=FLOAT, y=FLOAT), bytes(8)))

    def test_bytes_that_no_tensor_owns(self):
        with pytest.raises(HostileFrameError, match="body"):
            read(blob(meta(x=FLOAT), bytes(12)))

    def test_bools_that_are_neither(self):
        entry = {"dtype": "BOOL", "shape": [2], "data_offsets": [0, 2]}
        with pytest.raises(HostileFrameError, match="bool"):
            read(blob(meta(x=entry), b"\x01\x02"))

    def test_too_many_tensors(self):
        empty = {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]}
        header = meta(**{f"t{i}": empty for i in range(frames.MAX_TENSORS + 1)})
        with pytest.raises(HostileFrameError, match="tensors"):
            read(blob(header))

    @pytest.mark.parametrize(
        "header",
        [
            b"[]",
            b"null",
            b"{}",
            b'{"__metadata__": {"kind": "value"}}',
            b'{"__metadata__": {"kind": "value", "tree": 3}}',
            b'{"__metadata__": {"kind": "../x", "tree": "null"}}',
            b'{"__metadata__": {"kind": "value", "tree": "{"}}',
            b'{"__metadata__": {"kind": "value", "tree": "null"}, "__metadata__": 1}',
            b'{"__metadata__": {"kind": "value", "tree": "\\"\\\\ud800\\""}}',
            b"\xff\xfe",
            b"[" * 100_000,
            b"[" * 90_000 + b"]" * 90_000,
            b"[" + b"1" * 10_000 + b"]",
            b"[" + b"0," * 200_000 + b"0]",
        ],
        ids=range(14),
    )
    def test_wrong_headers(self, header):
        with pytest.raises(HostileFrameError):
            read(blob(header))

    def test_deep_trees(self):
        tree = "[" * 60 + "]" * 60
        with pytest.raises(HostileFrameError, match="deep"):
            read(blob({"__metadata__": {"kind": "value", "tree": tree}}))

    @pytest.mark.parametrize("total", [0, 8, 15, frames.MAX_FRAME + 1, 2**63, 2**64 - 1])
    def test_wrong_totals(self, total):
        with pytest.raises(HostileFrameError):
            read(blob(meta(), total=total))

    @pytest.mark.parametrize("length", [0, 1, 2**20 + 1, 2**40, 2**64 - 1])
    def test_wrong_header_lengths(self, length):
        with pytest.raises(HostileFrameError):
            read(blob(meta(), length=length))

    def test_a_claimed_length_allocates_nothing(self):
        header = meta(x={"dtype": "U8", "shape": [60 << 20], "data_offsets": [0, 60 << 20]})
        raw = blob(header, total=8 + len(json.dumps(header)) + (60 << 20))
        tracemalloc.start()
        with pytest.raises(FrameEndedError):
            read(raw)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 1 << 20

    def test_the_end_is_told_apart_from_the_middle(self):
        for cut in range(len(GOOD)):
            with pytest.raises(FrameEndedError) as caught:
                read(GOOD[:cut])
            assert caught.value.started == (cut > 0)

    def test_a_model_cannot_come_back(self):
        frame = read(blob(meta({"zoo": "induction_2l", "sha256": "0"})))
        with pytest.raises(ValueCrossingError):
            frame.value(trusted=False)


class TestFuzz:
    @calm
    @given(st.binary(max_size=400))
    def test_bytes(self, raw):
        assert outcome(raw) == "FrameEndedError" or len(raw) >= 8

    @calm
    @given(st.binary(max_size=300), st.binary(max_size=50))
    def test_bytes_as_header(self, header, body):
        assert outcome(blob(header, body)) != "value"

    @settings(calm, max_examples=300)
    @given(hostile.cut_and_pasted(), st.integers(1, 50))
    def test_a_valid_frame_with_changed_bytes(self, raw, chunk):
        assert outcome(raw) == outcome(raw, chunk)

    @settings(calm, max_examples=300)
    @given(hostile.rewritten())
    def test_a_valid_frame_with_a_changed_header(self, raw):
        outcome(raw)

    @calm
    @given(st.sampled_from(hostile.VALID), st.data())
    def test_a_valid_frame_that_stops(self, raw, data):
        cut = data.draw(st.integers(0, len(raw) - 1))
        assert outcome(raw[:cut]) == "FrameEndedError"

    @calm
    @given(
        st.recursive(
            leaves | st.sampled_from(["F32", "tensor", "x", 8, 0]),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["tensor", "value", "list", "dict", "set", "float", "x"]),
                    inner,
                    max_size=2,
                )
            ),
            max_leaves=10,
        )
    )
    def test_any_json_as_tree(self, tree):
        raw = blob(meta(tree, x=FLOAT), bytes(8))
        assert outcome(raw) in ("value", "HostileFrameError", "ValueCrossingError")

    @calm
    @given(
        st.dictionaries(
            st.sampled_from(["dtype", "shape", "data_offsets", "x"]),
            st.sampled_from([*frames.DTYPES, None, -1])
            | st.lists(st.integers(-3, 20) | st.integers() | st.booleans(), max_size=4),
            max_size=4,
        )
    )
    def test_any_entry(self, entry):
        raw = blob(meta({"tensor": "x"}, x=entry), bytes(8))
        assert outcome(raw) in ("value", "HostileFrameError")
