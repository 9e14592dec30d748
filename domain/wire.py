"""Packed records of commands and events: the Python view of the bytes declared in wire.h.

Lives here: one struct.Struct and one field list per record, and the walk over concatenated records.
Does not know: what a record means (commands.py, events.py).
"""

import struct
from collections.abc import Iterator
from typing import Final

COMMAND_HEADER: Final = struct.Struct("<IHHQqQQ")
NEW_ORDER: Final = struct.Struct("<IHHQqQQ" "IIqqq" "4B4B")
CANCEL_ORDER: Final = struct.Struct("<IHHQqQQ" "IIQ")
ORDER_TERMS: Final = struct.Struct("<qqqqqQQiI" "6BH")  # follows NEW_ORDER when its flags say so
AMEND_ORDER: Final = struct.Struct("<IHHQqQQ" "IIQqqqq" "BB6x")
CANCEL_ALL: Final = struct.Struct("<IHHQqQQ" "IIHBB" "4B" "qqQ" "B7x")
COLD_PREFIX: Final = struct.Struct("<IHHQqQQ" "II")  # payload length, padding; then the payload

EVENT_HEADER: Final = struct.Struct("<IHH")
COMMAND_EVENT: Final = struct.Struct("<IHH" "QqQQ" "IHH" "iIq")
ORDER_EVENT: Final = struct.Struct("<IHH" "QQ" "II" "qqqqqqq" "4B4B" "HBB" "iqqqqqqQQI" "6B6x")
TRADE_EVENT: Final = struct.Struct("<IHH" "QQ" "IBBH" "QQ" "II" "qqqqqq")
DEPTH_EVENT: Final = struct.Struct("<IHH" "IB3x" "qq")
MARK_EVENT: Final = struct.Struct("<IHH" "II" "qq")
L3_EVENT: Final = struct.Struct("<IHH" "IBBH" "QqqQ")
PHASE_EVENT: Final = struct.Struct("<IHH" "IB3x" "qqqq")
MMP_EVENT: Final = struct.Struct("<IHH" "IIq")
COLD_EVENT_PREFIX: Final = struct.Struct("<IHH" "II")

SIZES: Final = {
    "command_header_t": COMMAND_HEADER.size,
    "new_order_t": NEW_ORDER.size,
    "order_terms_t": ORDER_TERMS.size,
    "cancel_order_t": CANCEL_ORDER.size,
    "amend_order_t": AMEND_ORDER.size,
    "cancel_all_t": CANCEL_ALL.size,
    "command_event_t": COMMAND_EVENT.size,
    "order_event_t": ORDER_EVENT.size,
    "trade_event_t": TRADE_EVENT.size,
    "depth_event_t": DEPTH_EVENT.size,
    "mark_event_t": MARK_EVENT.size,
    "l3_event_t": L3_EVENT.size,
    "phase_event_t": PHASE_EVENT.size,
    "mmp_event_t": MMP_EVENT.size,
}

_LENGTH: Final = struct.Struct("<I")
LABEL_BYTES_MAX: Final = 64
CLIENT_ID_BYTES_MAX: Final = 36
HAS_TERMS: Final = 1  # flag of a NewOrder record
RECORD_BYTES_MAX: Final = 1 << 20  # one cold command may carry a block's plan; hot records are below 300 bytes


def padded(length_bytes: int) -> int:
    """Length rounded up to a multiple of 8."""
    return (length_bytes + 7) & ~7


def split_records(data: bytes | memoryview) -> Iterator[memoryview]:
    """Walk concatenated records or frames by their length field.

    Raises:
        ValueError: a length that is not a multiple of 8, too small, or beyond the end.
    """
    view = memoryview(data)
    offset = 0
    while offset < len(view):
        if len(view) - offset < EVENT_HEADER.size:
            raise ValueError(f"record header cut at byte {offset}")
        (length,) = _LENGTH.unpack_from(view, offset)
        if length < EVENT_HEADER.size or length % 8 or offset + length > len(view):
            raise ValueError(f"bad record length {length} at byte {offset}")
        yield view[offset : offset + length]
        offset += length
