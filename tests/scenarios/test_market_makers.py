"""Goal: quotes replace themselves with their funds, and protection pulls a maker's orders before more is lost.

Method: quotes and tagged orders through the state machine. Rules MATCH-100..104 with HOLD-005 and ORD-001.
"""

from typing import Any

import pytest
from msgspec.structs import replace

from domain import commands
from domain.commands import ResetProtection, SetGreeks, SetPreventionGroup, SetProtection
from domain.constants import BUY, MARKET, ORDER_CANCELLED, ORDER_OPEN, REASON_MMP, REASON_STP, SELL
from domain.events import CommandApplied, OrderState, ProtectionTriggered
from domain.rejects import RejectCode
from exchange.state_machine import StateMachine
from tests.support.venue import (
    BTC,
    NS,
    SMALL,
    TOKEN,
    USDC,
    Venue,
    basic_venue,
    forward,
    fund,
    open_accounts,
    token_spot,
)

ANN, BEN, CID = 16, 17, 18
TICK = 1_000


@pytest.fixture
def venue() -> Venue:
    made = basic_venue((token_spot(0), 1_000), (forward(1, "HPU_USDC-30APR24"), 5_000))
    for account in open_accounts(made, "ann", "ben", "cid"):
        fund(made, account, USDC=10**6 * USDC, BTC=10 * BTC, TH1A=1_000 * TOKEN)
    return made


def quote(venue: Venue, side: int, price_ticks: int, lots: int, **fields: Any) -> CommandApplied:
    return venue.order(
        account=ANN, side=side, price_ticks=price_ticks, quantity_lots=lots,
        **{"instrument": 0, "quote": True, "quote_set": 1, **fields},
    )  # fmt: skip


def place(venue: Venue, account: int, side: int, price_ticks: int, lots: int, **fields: Any) -> CommandApplied:
    return venue.order(
        account=account, side=side, price_ticks=price_ticks, quantity_lots=lots, **{"instrument": 0, **fields}
    )


def test_match_100_a_maker_with_all_the_orders_it_may_have_still_moves_and_pulls_its_quotes() -> None:
    venue = basic_venue((token_spot(0), 1_000), limits=replace(SMALL, orders_per_account_max=2))
    for account in open_accounts(venue, "ann"):
        fund(venue, account, BTC=10 * BTC, TH1A=1_000 * TOKEN)
    assert [quote(venue, BUY, 900, 5).code, quote(venue, SELL, 1_100, 5).code] == [0, 0]
    assert quote(venue, BUY, 900, 5, quote_set=2).code == RejectCode.OPEN_ORDERS_MAX
    assert quote(venue, BUY, 950, 5).code == 0
    assert quote(venue, BUY, 950, 0).code == 0
    assert [order.side for order in venue.resting(ANN)] == [SELL]


def test_match_100_a_quote_replaces_itself_under_its_first_id(venue: Venue) -> None:
    first = quote(venue, BUY, 900, 5)
    assert (first.code, first.value) == (0, first.sequence)
    assert venue.held(ANN, "BTC") == 5 * 900 * TICK
    assert quote(venue, BUY, 910, 7).value == first.sequence
    assert venue.held(ANN, "BTC") == 7 * 910 * TICK
    assert [(o.order_id, o.state, o.price_ticks, o.total_lots) for o in venue.of(OrderState)] == [
        (first.sequence, ORDER_OPEN, 910, 7)
    ]  # fmt: skip
    assert quote(venue, BUY, 910, 7).value == first.sequence
    assert quote(venue, BUY, 910, 3).value == first.sequence
    assert venue.held(ANN, "BTC") == 3 * 910 * TICK
    venue.machine.check_invariants()
    assert quote(venue, BUY, 910, 0).value == first.sequence
    assert venue.held(ANN, "BTC") == 0
    assert quote(venue, BUY, 910, 0).code == RejectCode.LOTS_RANGE


def test_match_100_a_refused_quote_leaves_the_old_one(venue: Venue) -> None:
    first = quote(venue, BUY, 900, 5).sequence
    assert quote(venue, BUY, 900_000, 1_000_000).code == RejectCode.INSUFFICIENT_BALANCE
    assert quote(venue, BUY, 2**27, 5).code == RejectCode.PRICE_BAND
    assert [(o.order_id, o.price_ticks, o.total_lots) for o in venue.resting(ANN)] == [(first, 900, 5)]
    assert venue.held(ANN, "BTC") == 5 * 900 * TICK
    venue.machine.check_invariants()


def test_match_100_a_quote_counts_what_it_filled(venue: Venue) -> None:
    first = quote(venue, SELL, 1_000, 5).sequence
    place(venue, BEN, BUY, 1_000, 2)
    quote(venue, SELL, 1_001, 4)
    assert [(o.order_id, o.total_lots, o.filled_lots) for o in venue.resting(ANN)] == [(first, 6, 2)]
    assert venue.held(ANN, "TH1A") == 4 * TOKEN


def test_ord_001_a_quote_is_a_plain_limit_order(venue: Venue) -> None:
    for fields in ({"order_type": MARKET}, {"time_in_force": 1}, {"display_lots": 1}, {"client_id": b"x"}):
        answer = quote(venue, BUY, 900, 5, **fields)
        assert (answer.code, answer.detail) == (RejectCode.BAD_FIELD, 12)


def test_match_102_protection_pulls_the_group_and_says_until_when(venue: Venue) -> None:
    assert quote(venue, SELL, 1_000, 20, mmp=1).code == RejectCode.MMP_UNKNOWN
    venue.tell(SetProtection(ANN, 1, lots=10, window_ns=5 * NS, frozen_ns=7 * NS))
    tagged = quote(venue, SELL, 1_000, 20, mmp=1).sequence
    other = place(venue, ANN, BUY, 900, 1, mmp=1).sequence
    kept = place(venue, ANN, BUY, 901, 1).sequence
    place(venue, BEN, BUY, 1_000, 11)
    assert venue.of(ProtectionTriggered) == [ProtectionTriggered(ANN, 1, venue.time_ns + 7 * NS)]
    ends = [(o.order_id, o.reason) for o in venue.of(OrderState) if o.state == ORDER_CANCELLED]
    assert ends == [(tagged, REASON_MMP), (other, REASON_MMP)]
    assert [o.order_id for o in venue.resting(ANN)] == [kept]
    venue.machine.check_invariants()
    venue.machine = StateMachine.load_state(venue.machine.dump_state())
    assert quote(venue, SELL, 1_000, 20, mmp=1).code == RejectCode.MMP_FROZEN
    venue.time_ns += 7 * NS
    assert quote(venue, SELL, 1_000, 20, mmp=1).code == 0


def test_match_103_a_reset_unfreezes(venue: Venue) -> None:
    venue.tell(SetProtection(ANN, 1, lots=1, window_ns=5 * NS))
    quote(venue, SELL, 1_000, 20, mmp=1)
    place(venue, BEN, BUY, 1_000, 2)
    assert venue.of(ProtectionTriggered) == [ProtectionTriggered(ANN, 1, 0)]
    venue.time_ns += 10**15
    assert quote(venue, SELL, 1_000, 20, mmp=1).code == RejectCode.MMP_FROZEN
    venue.tell(ResetProtection(ANN, 1))
    assert quote(venue, SELL, 1_000, 20, mmp=1).code == 0


def test_match_102_delta_counts_by_instrument(venue: Venue) -> None:
    venue.tell(SetGreeks(1, 100, 0), SetProtection(ANN, 2, delta=250, window_ns=5 * NS))
    quote(venue, BUY, 5_000, 10, instrument=1, mmp=2)
    place(venue, BEN, SELL, 5_000, 2, instrument=1)
    assert venue.of(ProtectionTriggered) == []
    place(venue, BEN, SELL, 5_000, 1, instrument=1)
    assert len(venue.of(ProtectionTriggered)) == 1
    venue.machine.check_invariants()


def test_controls_that_make_no_sense_are_refused(venue: Venue) -> None:
    for command, code in (
        (SetProtection(ANN, 0, window_ns=1), RejectCode.BAD_COMMAND),
        (SetProtection(ANN, 17, window_ns=1), RejectCode.BAD_COMMAND),
        (SetProtection(ANN, 1, lots=-1, window_ns=1), RejectCode.BAD_COMMAND),
        (SetProtection(ANN, 1, lots=1), RejectCode.BAD_COMMAND),
        (SetProtection(99, 1, window_ns=1), RejectCode.UNKNOWN_ACCOUNT),
        (ResetProtection(ANN, 99), RejectCode.BAD_COMMAND),
        (SetGreeks(9, 1, 1), RejectCode.UNKNOWN_INSTRUMENT),
        (SetPreventionGroup(99, 1), RejectCode.UNKNOWN_ACCOUNT),
        (commands.SetKillSwitch("planet", 0, True), RejectCode.BAD_COMMAND),
        (commands.SetKillSwitch("key", 0, True), RejectCode.BAD_COMMAND),
        (commands.SetPhase(9, 1), RejectCode.UNKNOWN_INSTRUMENT),
        (commands.SetPhase(0, 6), RejectCode.BAD_COMMAND),
        (commands.SetPhase(0, 1), RejectCode.ILLEGAL_PHASE),
        (commands.SetPhase(0, 2, until_ns=1), RejectCode.BAD_COMMAND),
    ):
        assert venue.answer(commands.cold(command)).code == code, command


def test_match_030_accounts_of_one_group_do_not_trade(venue: Venue) -> None:
    venue.tell(SetPreventionGroup(ANN, 4), SetPreventionGroup(BEN, 4))
    place(venue, ANN, SELL, 1_000, 1)
    taker = place(venue, BEN, BUY, 1_000, 1).sequence
    assert [(o.order_id, o.reason) for o in venue.of(OrderState)] == [(taker, REASON_STP)]
    venue.machine = StateMachine.load_state(venue.machine.dump_state())
    assert place(venue, CID, BUY, 1_000, 1).code == 0
    assert venue.trades() == [(1_000, 1)]
