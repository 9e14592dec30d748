"""Goal: frames survive any cut of the byte stream, nothing else passes. Method: random cuts, bad headers, messages."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.link_frames import (
    FRAME_HEADER,
    Frame,
    FrameDecoder,
    FrameType,
    Hello,
    LinkProtocolError,
    Status,
    decode_message,
    encode_frame,
    encode_message,
    link_version,
)

FRAMES = [Frame(FrameType.COMMANDS, b"12345678"), Frame(FrameType.READ, b""), Frame(FrameType.EVENTS, b"x" * 300)]
STREAM = b"".join(encode_frame(frame.type, frame.payload) for frame in FRAMES)


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_frames_come_out_whole_however_the_stream_is_cut(cuts: list[int]) -> None:
    decoder = FrameDecoder()
    frames: list[Frame] = []
    edges = [0, *sorted(cuts), len(STREAM)]
    for start, end in pairwise(edges):
        frames += decoder.receive(STREAM[start:end])
    assert FRAMES == frames


def test_a_frame_longer_than_the_bound_is_refused_by_its_header() -> None:
    with pytest.raises(LinkProtocolError, match="101 bytes, at most 100"):
        FrameDecoder(100).receive(FRAME_HEADER.pack(101, FrameType.COMMANDS))


@pytest.mark.parametrize("number", [0, 7, 255])
def test_an_unknown_type_is_refused(number: int) -> None:
    with pytest.raises(LinkProtocolError, match=f"type {number}"):
        FrameDecoder().receive(FRAME_HEADER.pack(0, number))


@given(st.binary(max_size=64))
def test_any_bytes_are_a_message_or_a_protocol_error(data: bytes) -> None:
    try:
        message = decode_message(data)
    except LinkProtocolError:
        return
    assert encode_message(message)


def test_messages_come_back_as_sent() -> None:
    for message in (Hello("gateway", link_version()), Status(1, 2, b"d" * 32, 3, 4)):
        assert message == decode_message(encode_message(message))
