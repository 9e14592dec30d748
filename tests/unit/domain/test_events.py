"""Goal: every frame is read back as it was written. Method: cold events round trip; packed frames are built by hand."""

import typing

import pytest

from domain import events, wire
from domain.constants import EVENT_COMMAND, EVENT_DEPTH, EVENT_L3, EVENT_MMP, EVENT_ORDER, EVENT_PHASE, EVENT_TRADE
from domain.events import ColdEventType, decode_event, decode_events, encode_cold_event, encode_mark
from tests.unit.domain.test_commands import INSTRUMENT

EXAMPLES: list[ColdEventType] = [
    events.AssetCreated("BTC", 10**11, "cash"),
    events.InstrumentListed(INSTRUMENT),
    events.InstrumentClosed(3, "expired"),
    events.AccountOpened(16, "ann"),
    events.RuleSet(1, "rule", ("kyc",), ("KP",)),
    events.EligibilityChanged(16, {1: 5}, {1: "claim_expired:kyc"}),
    events.Deposited(16, "BTC", 2**62, "tx"),
    events.BlockAccepted(1, "ab" * 32, 2, 3, 4, ("ab" * 32,), (), 5, 6),
    events.BlockRefused(5002, "why", ""),
    events.DividendChanged("TH1A", 1, "ab" * 32, 2, 3, "pending", 4, ((16, 1_000, 4),)),
    events.VariationMarginPaid(1, 2, 3, ((16, -5), (17, 5))),
    events.FixingPublished("USDC", "HPI", 19_714, 8_123),
    events.ForwardSettled(3, 250_000, ((16, -5), (17, 5))),
    events.ShortfallCovered(17, "USDC", 7_000_000),
    events.AccountsChanged((16, 17)),
    events.KillSwitchSet("venue", 0, True, "why"),
    events.TradeBusted(1, 2, 16, 17, 3, 4),
    events.TradeCorrected(1, 2, 16, 17, 3, 5, 4),
]
TERMS = (-30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 3)  # from peg_offset on; client id of 3 bytes
TERMS_READ = (31, 32, 33, 34, 39, 40, 41, 42, -30, 43, 44, 38, 37, 35, 36)


def test_every_cold_event_has_an_example() -> None:
    assert {type(example) for example in EXAMPLES} == set(typing.get_args(ColdEventType))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: type(example).__name__)
def test_a_cold_event_comes_back_from_its_frame(example: ColdEventType) -> None:
    frame = encode_cold_event(example)
    assert len(frame) % 8 == 0
    assert decode_event(frame) == example


def test_packed_frames_are_read_field_by_field() -> None:
    frames = [
        wire.COMMAND_EVENT.pack(64, EVENT_COMMAND, 0, 1, 2, 3, 4, 5, 6, 7, 3002, 8, -9),
        wire.ORDER_EVENT.pack(192, EVENT_ORDER, 0, *range(1, 20), 20, 5, 21, *TERMS) + b"caf\xc3\xa9c-1",
        wire.TRADE_EVENT.pack(104, EVENT_TRADE, 0, 1, 2, 3, 1, 2, 9, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13),
        wire.DEPTH_EVENT.pack(32, EVENT_DEPTH, 0, 1, 1, 2, 3),
        encode_mark(4, 5, 6),
        wire.L3_EVENT.pack(48, EVENT_L3, 0, 1, 1, 4, 0, 5, -6, 7, 8),
        wire.PHASE_EVENT.pack(48, EVENT_PHASE, 0, 1, 3, 2, -3, 4, -5),
        wire.MMP_EVENT.pack(24, EVENT_MMP, 0, 16, 2, 3),
    ]
    command, order, trade, depth, mark, change, phase, mmp = decode_events(b"".join(frames))
    assert command == events.CommandApplied(1, 2, 3, 4, 5, 6, 7, 3002, 8, -9)
    assert order == events.OrderState(*range(1, 12), *range(12, 20), 20, 21, "café", *TERMS_READ, "c-1")
    assert trade == events.Trade(1, 2, 3, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 9)
    assert depth == events.Depth(1, 1, 2, 3)
    assert mark == events.Mark(4, 5, 6)
    assert change == events.QueueChange(1, 1, 4, 5, -6, 7, 8)
    assert phase == events.Phase(1, 3, 2, -3, 4, -5)
    assert mmp == events.ProtectionTriggered(16, 2, 3)


def test_a_label_that_is_no_text_does_not_stop_the_reader_of_events() -> None:
    head = wire.ORDER_EVENT.pack(192, EVENT_ORDER, 0, *range(1, 12), *range(12, 20), 20, 2, 21, *[0] * 16)
    order = decode_event(head + b"\xff\xfe".ljust(8, b"\0"))
    assert isinstance(order, events.OrderState)
    assert order.label == "��"


def test_an_unknown_kind_is_an_error() -> None:
    with pytest.raises(ValueError, match="unknown event kind 9"):
        decode_event(wire.EVENT_HEADER.pack(8, 9, 0))
