"""Goal: every builder makes a record that is read back as it was meant. Method: unpack bytes, decode payloads."""

import typing
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import commands, constants, wire
from domain.book_rules import BookRules
from domain.commands import Claim, ColdCommand, cold, decode_cold
from domain.instruments import KIND_SPOT, Instrument
from exchange.record import count_records, stamp_records

INSTRUMENT = Instrument(
    3, "TH1A_BTC", KIND_SPOT, "TH1A", "BTC", 1, 10**8, 1_000, 1_000, BookRules(lot_step=2), 500, 100, 1, 7,
    legs=((1, -2),),
)  # fmt: skip
EXAMPLES: list[ColdCommand] = [
    commands.CreateAsset("BTC", 10**11, "cash"),
    commands.ListInstrument(INSTRUMENT, 5, 6),
    commands.CloseInstrument(3, "why"),
    commands.OpenAccount("ann"),
    commands.SetRule(1, "rule", ("kyc",), ("KP", "XX")),
    commands.SetIdentity(16, "CH", (Claim("kyc", 2**62),), True),
    commands.Deposit(16, "BTC", 2**62, "tx"),
    commands.DefineTranche("TH1A", "BTC", 30_000, "clamped"),
    commands.StartChain("regtest", 7, b"\0" * 80, 9, 11),
    commands.BlockConnected(b"\xff" * 80, -1, 50 * 10**8),
    commands.PoolReport("TH1A", "ab" * 32, 3_500),
    commands.SetPrice(42, "feed", 9),
    commands.UpdateMarks(),
    commands.RunVariationMargin(8),
    commands.SetScenarios(2, {"USDC": 1}, 0),
    commands.AdvanceTime(),
    commands.SetPhase(3, 2, 9, True),
    commands.SetKillSwitch("account", 16, True, "why"),
    commands.SetCancelOnDisconnect(16, True),
    commands.SetProtection(16, 3, 10, 20, 30, 40, 50),
    commands.ResetProtection(16, 3),
    commands.SetGreeks(3, 2, 1),
    commands.SetPreventionGroup(16, 4),
    commands.BustTrade(5),
    commands.CorrectTrade(5, 6),
]
KINDS = (
    constants.COMMAND_NEW_ORDER, constants.COMMAND_CANCEL_ORDER, constants.COMMAND_AMEND_ORDER,
    constants.COMMAND_CANCEL_ALL, constants.COMMAND_CANCEL_SESSION, constants.COMMAND_CANCEL_GATEWAY,
)  # fmt: skip


def test_every_cold_command_has_an_example() -> None:
    assert {type(example) for example in EXAMPLES} == set(typing.get_args(ColdCommand))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: type(example).__name__)
def test_a_cold_command_comes_back_from_its_record(example: ColdCommand) -> None:
    record = cold(example, origin=5, request=6)
    assert decode_cold(record) == example
    assert count_records(record) == 1
    assert wire.COLD_PREFIX.unpack_from(record)[:7] == (len(record), constants.COMMAND_COLD, 0, 0, 0, 5, 6)


@pytest.mark.parametrize("value", [2**63, 2**64 - 1])
def test_a_number_that_no_slab_can_hold_is_no_command(value: int) -> None:
    fields = {"t": "Deposit", "account": 16, "asset": "BTC", "amount": value, "external_id": "x"}
    payload = msgspec.msgpack.encode(fields)
    head = wire.COLD_PREFIX.pack(
        wire.padded(48 + len(payload)), constants.COMMAND_COLD, 0, 0, 0, 0, 0, len(payload), 0
    )  # fmt: skip
    record = bytearray((head + payload).ljust(wire.padded(48 + len(payload)), b"\0"))
    with pytest.raises(msgspec.ValidationError):
        decode_cold(record)


def test_hot_records_are_unpacked_as_they_were_built() -> None:
    record = commands.new_order(
        account=16, instrument=2, side=1, price_ticks=-5, quantity_lots=7, order_type=1, time_in_force=2,
        post_only=True, reduce_only=True, stp=3, cancel_on_disconnect=True, valid_until_ns=11, label=b"hello",
        origin=12, request=13,
    )  # fmt: skip
    fields = wire.NEW_ORDER.unpack_from(record)
    assert fields == (88, 1, 0, 0, 0, 12, 13, 16, 2, -5, 7, 11, 1, 1, 2, 3, 1, 1, 1, 5)
    assert record[wire.NEW_ORDER.size :] == b"hello\0\0\0"
    record = commands.cancel_order(account=16, order_id=9, origin=1, request=2)
    assert wire.CANCEL_ORDER.unpack(record) == (56, 2, 0, 0, 0, 1, 2, 16, 0, 9)
    record = commands.amend_order(account=16, order_id=9, price_ticks=3, total_lots=4, post_only=1, valid_until_ns=5)
    assert wire.AMEND_ORDER.unpack(record) == (96, 3, 0, 0, 0, 0, 0, 16, 0, 9, 3, 4, 5, 0, 1, 0)
    record = commands.amend_order(account=16, order_id=9, price_ticks=3, total_lots=4, trigger_ticks=7, open_lots=True)
    assert wire.AMEND_ORDER.unpack(record) == (96, 3, 0, 0, 0, 0, 0, 16, 0, 9, 3, 4, 0, 7, 255, 1)
    record = commands.cancel_all(account=16, instrument=1, quote_asset=2, instrument_kind=3, side=0, request=4)
    whole = (-(2**63), 2**63 - 1)
    assert wire.CANCEL_ALL.unpack(record) == (88, 4, 0, 0, 0, 0, 4, 16, 1, 2, 3, 0, 0, 0, 0, 0, *whole, 0, 0)
    record = commands.cancel_all(
        account=16, price_low_ticks=-5, label=b"grid", only_quotes=True, quote_set=9, mmp=2
    )  # fmt: skip
    anything = (constants.ANY_INSTRUMENT, constants.ANY_ASSET, constants.ANY, constants.ANY)
    fields = (96, 4, 0, 0, 0, 0, 0, 16, *anything, 1, 4, 1, 2, -5, 2**63 - 1, 9, 1)
    assert wire.CANCEL_ALL.unpack_from(record) == fields
    assert record[wire.CANCEL_ALL.size :] == b"grid\0\0\0\0"
    rest = (*anything, *[0] * 8)
    assert wire.CANCEL_ALL.unpack(commands.cancel_session(origin=8, account=16)) == (88, 5, 0, 0, 0, 8, 0, 16, *rest)
    assert wire.CANCEL_ALL.unpack(commands.cancel_gateway(origin=8)) == (88, 6, 0, 0, 0, 8, 0, 0, *rest)


def test_the_terms_of_an_order_follow_the_record_only_when_there_are_some() -> None:
    plain: dict[str, Any] = {"account": 16, "instrument": 2, "side": 0, "price_ticks": 5, "quantity_lots": 7}
    record = commands.new_order(**plain)
    assert (len(record), wire.COMMAND_HEADER.unpack_from(record)[2]) == (80, 0)
    record = commands.new_order(
        **plain, label=b"ab", display_lots=1, budget=2, trigger=1, trigger_ticks=3, reference=2, trail_ticks=4,
        trail_bps=5, peg=3, peg_offset=-6, oco=7, expire_ns=8, mmp=9, quote=True, quote_set=10, key=11,
        client_id=b"c-1",
    )  # fmt: skip
    assert wire.COMMAND_HEADER.unpack_from(record)[:3] == (160, 1, wire.HAS_TERMS)
    terms = (1, 2, 3, 4, 8, 7, 10, -6, 5, 1, 2, 3, 9, 1, 3, 11)
    assert wire.ORDER_TERMS.unpack_from(record, wire.NEW_ORDER.size) == terms
    assert record[152:] == b"abc-1\0\0\0"
    assert count_records(record) == 1
    for name, value in {"client_id": b"x", "key": 1, "oco": 5, "expire_ns": 9, "reference": 1}.items():
        assert len(commands.new_order(**plain, **{name: value})) >= 152


@given(st.binary(max_size=wire.LABEL_BYTES_MAX))
def test_a_label_of_any_length_keeps_the_record_aligned(label: bytes) -> None:
    record = commands.new_order(account=16, instrument=0, side=0, price_ticks=1, quantity_lots=1, label=label)
    assert len(record) % 8 == 0
    assert count_records(record) == 1
    assert record[wire.NEW_ORDER.size : wire.NEW_ORDER.size + len(label)] == label


def test_stamping_writes_sequence_and_time_into_every_record_of_a_group() -> None:
    builders: list[Any] = [commands.cancel_order(account=16, order_id=1), cold(commands.AdvanceTime()),
                           commands.cancel_session(origin=1)]  # fmt: skip
    group = bytearray(b"".join(builders))
    assert stamp_records(group, 41, 77) == 3
    stamped = [wire.COMMAND_HEADER.unpack_from(record) for record in wire.split_records(group)]
    assert [(fields[3], fields[4]) for fields in stamped] == [(41, 77), (42, 77), (43, 77)]
    assert [fields[1] for fields in stamped] == [2, 32, 5]


def test_command_kinds_are_all_different() -> None:
    assert len({*KINDS, constants.COMMAND_COLD}) == len(KINDS) + 1
