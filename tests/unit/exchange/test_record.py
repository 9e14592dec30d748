"""Goal: a group is stamped whole or refused whole, with the place. Method: wrong lengths, kinds and trailers."""

import struct

import pytest

from domain import wire
from domain.commands import AdvanceTime, cancel_order, cold, new_order
from exchange.record import count_records, stamp_records

GOOD = cancel_order(account=16, order_id=1)
ORDER = new_order(account=16, instrument=0, side=0, price_ticks=1, quantity_lots=1, label=b"12345678")


def with_header(record: bytes, *, length: int | None = None, kind: int | None = None) -> bytes:
    """The record with another length or kind in its header."""
    old_length, old_kind = struct.unpack_from("<IH", record)
    head = (old_length if length is None else length, old_kind if kind is None else kind)
    return struct.pack("<IH", *head) + record[6:]


@pytest.mark.parametrize(
    "record",
    [
        GOOD[:39], GOOD[:-8], with_header(GOOD, length=0), with_header(GOOD, length=8), with_header(GOOD, length=57),
        with_header(GOOD, length=64), with_header(GOOD, length=2**32 - 8), with_header(GOOD, kind=0),
        with_header(GOOD, kind=7), with_header(GOOD, kind=31), with_header(GOOD, kind=33), with_header(GOOD, kind=1),
        with_header(GOOD, kind=3), with_header(GOOD, length=48),
        ORDER[:79] + b"\x09" + ORDER[80:],
        cold(AdvanceTime())[:40] + struct.pack("<I", 2**32 - 1) + cold(AdvanceTime())[44:],
    ],
)  # fmt: skip
def test_a_malformed_record_is_refused_with_its_place_and_nothing_is_written(record: bytes) -> None:
    group = bytearray(GOOD + record)
    before = bytes(group)
    for act in (lambda: stamp_records(group, 1, 1), lambda: count_records(group)):
        with pytest.raises(ValueError, match=f"at byte {len(GOOD)}"):
            act()
    assert bytes(group) == before


def test_a_label_of_the_record_s_own_length_is_inside_and_one_more_byte_is_not() -> None:
    assert count_records(ORDER) == 1
    with pytest.raises(ValueError, match="at byte 0"):
        count_records(ORDER[:79] + b"\x09" + ORDER[80:])


def test_a_record_beyond_the_largest_is_refused() -> None:
    size = wire.RECORD_BYTES_MAX + 8
    record = wire.COLD_PREFIX.pack(size, 32, 0, 0, 0, 0, 0, 0, 0).ljust(size, b"\0")
    with pytest.raises(ValueError, match="at byte 0"):
        count_records(record)


def test_no_records_are_no_records() -> None:
    assert stamp_records(bytearray(), 1, 1) == 0
