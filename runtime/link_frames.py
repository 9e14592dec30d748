"""Frames between the processes of one venue, without sockets.

Lives here: the frame layout, the incremental decoder, the hello and status messages, the version that must match.
Does not know: sockets, who connects to whom.
Layout: u32 payload bytes (little endian), u8 type, 3 zero bytes, payload. One frame carries a batch, not a message.
"""

import hashlib
import struct
from enum import IntEnum
from typing import Final, NamedTuple

import msgspec

from domain import wire

FRAME_HEADER: Final = struct.Struct("<IB3x")
READ_ID: Final = struct.Struct("<Q")
PAYLOAD_BYTES_MAX: Final = 256 << 20  # core to others: the image of a whole venue must fit
COMMANDS_BYTES_MAX: Final = 4 << 20  # others to the core: one cold record of a megabyte and then some
LAYOUT_VERSION: Final = 1


class FrameType(IntEnum):
    """What a frame carries."""

    COMMANDS = 1  # to the core: whole command records, not yet stamped
    EVENTS = 2  # from the core: all event frames of one durable group
    READ = 3  # to the core: u64 read id, msgpack request (domain.reads)
    READ_REPLY = 4  # from the core: u64 read id, msgpack answer
    HELLO = 5  # first frame in both directions
    STATUS = 6  # from the core: Status


class Frame(NamedTuple):
    """One decoded frame."""

    type: FrameType
    payload: bytes


class LinkProtocolError(Exception):
    """The other side sent bytes that are no frame of this protocol."""


def link_version() -> str:
    """Names the layout of frames and records; both sides of a link must name the same."""
    sizes = ",".join(f"{name}={size}" for name, size in sorted(wire.SIZES.items()))
    return f"{LAYOUT_VERSION}-{hashlib.blake2b(sizes.encode(), digest_size=6).hexdigest()}"


class Hello(msgspec.Struct, frozen=True, tag="hello", tag_field="t"):
    """First frame to the core."""

    role: str  # "gateway" | "follower" | "feed" | "probe"
    version: str


class Welcome(msgspec.Struct, frozen=True, tag="welcome", tag_field="t"):
    """The core's answer. `link_id` is the gateway id to put into the origin of commands."""

    link_id: int
    sequence: int  # last durable command; the events of all later ones follow on this link
    time_ns: int  # its exchange time
    exchange_now_ns: int
    speed: int  # exchange nanoseconds per real nanosecond
    venue_id: bytes


class Refused(msgspec.Struct, frozen=True, tag="refused", tag_field="t"):
    """The core does not take this link."""

    reason: str


class Status(msgspec.Struct, frozen=True, tag="status", tag_field="t"):
    """Where the core is. What the follower may read, and what it must agree with."""

    sequence: int  # last durable command
    time_ns: int
    event_digest: bytes  # over all events up to that command
    exchange_now_ns: int
    cut_links: int  # links cut so far because they did not read or broke the protocol


LinkMessage = Hello | Welcome | Refused | Status

encode_message: Final = msgspec.msgpack.Encoder().encode
_DECODER: Final = msgspec.msgpack.Decoder(LinkMessage)


def decode_message(payload: bytes) -> LinkMessage:
    """Raises LinkProtocolError."""
    try:
        message: LinkMessage = _DECODER.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise LinkProtocolError(f"message of {len(payload)} bytes: {error}") from error
    return message


def encode_frame(type_: FrameType, payload: bytes | bytearray) -> bytes:
    """Header and payload in one piece."""
    return FRAME_HEADER.pack(len(payload), type_) + payload


class FrameDecoder:
    """Bytes in, frames out."""

    def __init__(self, payload_bytes_max: int = PAYLOAD_BYTES_MAX) -> None:
        self._payload_bytes_max = payload_bytes_max
        self._buffer = bytearray()

    def receive(self, data: bytes) -> list[Frame]:
        """Frames completed by these bytes, in order.

        Raises:
            LinkProtocolError: unknown type or a length beyond the bound.
        Cost: O(bytes).
        """
        self._buffer += data
        frames: list[Frame] = []
        offset = 0
        with memoryview(self._buffer) as view:
            while len(view) - offset >= FRAME_HEADER.size:
                size, type_number = FRAME_HEADER.unpack_from(view, offset)
                if size > self._payload_bytes_max:
                    raise LinkProtocolError(f"frame of {size} bytes, at most {self._payload_bytes_max}")
                if type_number not in _KNOWN_TYPES:
                    raise LinkProtocolError(f"unknown frame type {type_number}")
                end = offset + FRAME_HEADER.size + size
                if end > len(view):
                    break
                payload = bytes(view[offset + FRAME_HEADER.size : end])
                frames.append(Frame(_KNOWN_TYPES[type_number], payload))
                offset = end
        del self._buffer[:offset]
        return frames


_KNOWN_TYPES: Final = {int(member): member for member in FrameType}
