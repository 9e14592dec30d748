"""Goal: the C and the Python view of every packed record are the same bytes.

Method: compare what the compiler says with what struct says, field by field; walk records of right and wrong lengths.
"""

import re
import struct
from typing import Final

import pytest

from domain import wire, wire_layout

STRUCTS: Final = {
    "command_header_t": wire.COMMAND_HEADER,
    "new_order_t": wire.NEW_ORDER,
    "order_terms_t": wire.ORDER_TERMS,
    "cancel_order_t": wire.CANCEL_ORDER,
    "amend_order_t": wire.AMEND_ORDER,
    "cancel_all_t": wire.CANCEL_ALL,
    "command_event_t": wire.COMMAND_EVENT,
    "order_event_t": wire.ORDER_EVENT,
    "trade_event_t": wire.TRADE_EVENT,
    "depth_event_t": wire.DEPTH_EVENT,
    "mark_event_t": wire.MARK_EVENT,
    "l3_event_t": wire.L3_EVENT,
    "phase_event_t": wire.PHASE_EVENT,
    "mmp_event_t": wire.MMP_EVENT,
}
SIGNED: Final = {
    "price_ticks", "quantity_lots", "valid_until_ns", "time_ns", "total_lots", "filled_lots", "notional_ticks", "fee",
    "created_ns", "updated_ns", "code", "value", "maker_fee", "taker_fee", "mark_ticks", "index_ticks",
    "display_lots", "shown_lots", "budget", "trigger_ticks", "trail_ticks", "expire_ns", "prevented_lots", "peg_offset",
    "price_low_ticks", "price_high_ticks", "until_ns", "frozen_until_ns", "volume_lots", "surplus_lots",
}  # fmt: skip


def python_fields(layout: struct.Struct) -> list[tuple[int, int, bool]]:
    """(offset, bytes, signed) of every field of a little-endian struct without implicit padding; x is no field."""
    fields, offset = [], 0
    for count, code in re.findall(r"(\d*)([a-zA-Z])", layout.format.lstrip("<")):
        for _ in range(int(count or 1)):
            size = struct.calcsize("<" + code)
            if code != "x":
                fields.append((offset, size, code.islower()))
            offset += size
    return fields


def c_fields(name: str) -> list[tuple[int, int, bool]]:
    """The same from the compiler; arrays of padding are no fields."""
    return [
        (offset, size, field.split(".")[-1] in SIGNED)
        for field, offset, size in wire_layout.fields()[name]
        if not (field.startswith("padding") and size in (3, 6, 7))
    ]


def test_every_record_has_a_layout_in_both_views() -> None:
    assert set(STRUCTS) == set(wire_layout.SIZES) == set(wire.SIZES) == set(wire_layout.fields())


@pytest.mark.parametrize("name", sorted(STRUCTS))
def test_sizes_agree_and_are_multiples_of_eight(name: str) -> None:
    assert wire_layout.SIZES[name] == STRUCTS[name].size == wire.SIZES[name]
    assert STRUCTS[name].size % 8 == 0


@pytest.mark.parametrize("name", sorted(STRUCTS))
def test_every_field_has_the_same_place_width_and_sign_in_both_views(name: str) -> None:
    assert python_fields(STRUCTS[name]) == c_fields(name)


@pytest.mark.parametrize("name", sorted(STRUCTS))
def test_the_compiler_put_no_padding_of_its_own(name: str) -> None:
    end = 0
    for _, offset, size in wire_layout.fields()[name]:
        assert offset == end
        end = offset + size
    assert end == wire_layout.SIZES[name]


def test_padded_rounds_up_to_eight() -> None:
    assert [wire.padded(n) for n in (0, 1, 7, 8, 9)] == [0, 8, 8, 8, 16]


def test_records_are_walked_by_their_length() -> None:
    records = [struct.pack("<IHH", 8, 1, 0), struct.pack("<IHHQ", 16, 2, 0, 7)]
    assert [bytes(r) for r in wire.split_records(b"".join(records))] == records


@pytest.mark.parametrize(
    "data",
    [b"\x08\0\0", struct.pack("<IHH", 9, 1, 0), struct.pack("<IHH", 0, 1, 0), struct.pack("<IHH", 16, 1, 0)],
    ids=["cut header", "not a multiple of 8", "length zero", "beyond the end"],
)
def test_a_wrong_length_is_refused_with_its_place(data: bytes) -> None:
    with pytest.raises(ValueError, match="at byte 0"):
        list(wire.split_records(data))
