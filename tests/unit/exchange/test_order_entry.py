"""Goal: each way an order is refused, ended or changed is told exactly, and no answer depends on what came before.

Method: orders on a small venue. Rules MATCH, HOLD, MARGIN; numbers are in tests/scenarios.
"""

from typing import Any

import pytest
from msgspec.structs import replace

from domain import commands
from domain.book_rules import BookRules
from domain.constants import (
    BUY,
    FOK,
    IOC,
    MARKET,
    ORDER_CANCELLED,
    ORDER_FILLED,
    ORDER_OPEN,
    REASON_DISCONNECT,
    REASON_STP,
    REASON_TEXTS,
    SELL,
    STP_CANCEL_OLDEST,
    STP_NONE,
)
from domain.events import CommandApplied, Depth, OrderState, QueueChange, Trade
from domain.rejects import RejectCode
from tests.support.venue import (
    BTC,
    NS,
    SMALL,
    TOKEN,
    USDC,
    Venue,
    basic_venue,
    btc_spot,
    forward,
    fund,
    open_accounts,
    token_spot,
)

HUGE = 2**63 - 1


@pytest.fixture
def venue() -> Venue:
    made = basic_venue(
        (token_spot(0, taker_ppm=500, maker_ppm=100), 1_000), (btc_spot(1), 4_000_000),
        (forward(2, "HPU_USDC-30APR24", taker_ppm=300, lots=100), 5_000),
    )  # fmt: skip
    for account in open_accounts(made, "ann", "ben"):
        fund(made, account, USDC=10**6 * USDC, BTC=10 * BTC, TH1A=100 * TOKEN)
    return made


ANN, BEN = 16, 17


def place(venue: Venue, account: int, side: int, price_ticks: int, lots: int, **fields: Any) -> CommandApplied:
    return venue.order(
        account=account, side=side, price_ticks=price_ticks, quantity_lots=lots, **{"instrument": 0, **fields}
    )


@pytest.mark.parametrize(
    ("fields", "code", "detail"),
    [
        ({"account": 0}, RejectCode.UNKNOWN_ACCOUNT, 0),
        ({"account": 15}, RejectCode.UNKNOWN_ACCOUNT, 0),
        ({"account": 18}, RejectCode.UNKNOWN_ACCOUNT, 0),
        ({"account": SMALL.accounts_max}, RejectCode.UNKNOWN_ACCOUNT, 0),
        ({"account": 2**32 - 1}, RejectCode.UNKNOWN_ACCOUNT, 0),
        ({"instrument": 3}, RejectCode.UNKNOWN_INSTRUMENT, 0),
        ({"instrument": 65_536}, RejectCode.UNKNOWN_INSTRUMENT, 0),
        ({"instrument": 2**32 - 1}, RejectCode.UNKNOWN_INSTRUMENT, 0),
        ({"side": 2}, RejectCode.BAD_FIELD, 1),
        ({"side": 255}, RejectCode.BAD_FIELD, 1),
        ({"order_type": 3}, RejectCode.BAD_FIELD, 2),
        ({"time_in_force": 6}, RejectCode.BAD_FIELD, 3),
        ({"stp": 5}, RejectCode.BAD_FIELD, 4),
        ({"reduce_only": True}, RejectCode.BAD_FIELD, 5),
        ({"label": b"x" * 65}, RejectCode.BAD_FIELD, 6),
        ({"post_only": 3}, RejectCode.BAD_FIELD, 7),
        ({"valid_until_ns": 1}, RejectCode.VALID_UNTIL_PASSED, 0),
        ({"valid_until_ns": -(2**63)}, RejectCode.VALID_UNTIL_PASSED, 0),
        ({"quantity_lots": 0}, RejectCode.LOTS_RANGE, 0),
        ({"quantity_lots": -(2**63)}, RejectCode.LOTS_RANGE, 0),
        ({"quantity_lots": HUGE}, RejectCode.LOTS_RANGE, 0),
        ({"price_ticks": 0}, RejectCode.PRICE_BAND, 0),
        ({"price_ticks": -(2**63)}, RejectCode.PRICE_BAND, 0),
        ({"price_ticks": HUGE}, RejectCode.PRICE_BAND, 0),
        ({"price_ticks": 2**20}, RejectCode.PRICE_BAND, 0),
        ({"instrument": 1, "quantity_lots": 10**9, "price_ticks": 2**27 - 1}, RejectCode.INSUFFICIENT_BALANCE, 1),
        ({"instrument": 2, "quantity_lots": 101}, RejectCode.POSITION_LIMIT, 0),
    ],
)
def test_a_refusal_names_what_is_wrong_and_changes_nothing(
    venue: Venue, fields: dict[str, Any], code: int, detail: int
) -> None:
    order = {"account": ANN, "instrument": 0, "side": BUY, "price_ticks": 900, "quantity_lots": 1, **fields}
    answer = venue.answer(commands.new_order(**order))
    assert (answer.code, answer.detail, answer.events) == (code, detail, 0)
    if code == RejectCode.POSITION_LIMIT:
        assert answer.value == 100
    elif code != RejectCode.INSUFFICIENT_BALANCE:
        assert answer.value == 0
    assert venue.resting(ANN) == []
    venue.machine.check_invariants()


def test_a_notional_out_of_range_says_the_same_whatever_was_asked_before(venue: Venue) -> None:
    wide = replace(token_spot(3), name="TH1B_BTC", rules=BookRules())
    venue.tell(commands.ListInstrument(wide, 1_000))
    answers = set()
    for price in (1, 900, 1_000_000):
        place(venue, ANN, BUY, price, 1_000_000)  # leaves something on the stack
        place(venue, ANN, SELL, 900, 10**6)
        answer = place(venue, ANN, SELL, 2**27 - 1, 2**53, instrument=3)
        answers.add((answer.code, answer.detail, answer.value))
    assert answers == {(RejectCode.NOTIONAL_RANGE, 0, 0)}


def test_trades_orders_and_depth_are_told_in_order(venue: Venue) -> None:
    first = place(venue, ANN, SELL, 1_000, 2, label=b"one").sequence
    second = place(venue, ANN, SELL, 1_001, 3).sequence
    taker = place(venue, BEN, BUY, 1_001, 4, origin=7, request=8)
    assert (taker.origin, taker.request, taker.account) == (7, 8, BEN)
    kinds = [type(event) for event in venue.events]
    match = [Trade, QueueChange, OrderState]
    assert kinds == [CommandApplied, *match, *match, OrderState, Depth, Depth]
    assert taker.events == len(kinds) - 1
    assert [(t.trade_id, t.trade_seq, t.maker_order_id, t.price_ticks, t.quantity_lots) for t in venue.of(Trade)] == [
        (1, 1, first, 1_000, 2), (2, 2, second, 1_001, 2)
    ]  # fmt: skip
    assert [(o.order_id, o.state, o.filled_lots, o.label) for o in venue.of(OrderState)] == [
        (first, ORDER_FILLED, 2, "one"), (second, ORDER_OPEN, 2, ""), (taker.sequence, ORDER_FILLED, 4, "")
    ]  # fmt: skip
    assert [(d.side, d.price_ticks, d.quantity_lots) for d in venue.of(Depth)] == [(SELL, 1_000, 0), (SELL, 1_001, 1)]


def test_ticks_of_the_tape_go_up_and_down(venue: Venue) -> None:
    directions = []
    for price in (1_000, 1_000, 1_001, 1_001, 1_000, 1_000, 1_000):
        place(venue, ANN, SELL, price, 1)
        place(venue, BEN, BUY, price, 1)
        directions += [trade.tick_direction for trade in venue.of(Trade)]
    assert directions == [0, 1, 0, 1, 2, 3, 3]


def test_killed_orders_say_why_and_hold_nothing(venue: Venue) -> None:
    place(venue, ANN, SELL, 1_000, 2)
    for fields, reason, filled in (
        ({"time_in_force": FOK, "quantity_lots": 3}, "fok", 0),
        ({"time_in_force": IOC, "quantity_lots": 3}, "ioc", 2),
        ({"order_type": MARKET, "quantity_lots": 1}, "no_liquidity", 0),
    ):
        order = {"account": BEN, "instrument": 0, "side": BUY, "price_ticks": 1_000, **fields}
        assert venue.answer(commands.new_order(**order)).code == 0
        last = venue.of(OrderState)[-1]
        assert (last.state, last.filled_lots) == (ORDER_CANCELLED, filled)
        assert REASON_TEXTS[last.reason] == reason
    assert venue.held(BEN, "BTC") == 0


def test_a_self_trade_is_prevented_or_allowed_as_asked(venue: Venue) -> None:
    own = place(venue, ANN, SELL, 1_000, 2).sequence
    place(venue, ANN, BUY, 1_000, 1)
    assert [(o.state, o.reason) for o in venue.of(OrderState)] == [(ORDER_CANCELLED, REASON_STP)]
    place(venue, ANN, BUY, 1_000, 1, stp=STP_CANCEL_OLDEST)
    states = [(o.order_id == own, o.state) for o in venue.of(OrderState)]
    assert states == [(True, ORDER_CANCELLED), (False, ORDER_OPEN)]
    before = (venue.posted(ANN, "BTC"), venue.posted(ANN, "TH1A"))
    place(venue, ANN, SELL, 1_000, 1, stp=STP_NONE)
    assert venue.trades() == [(1_000, 1)]
    fees = 500 + 100  # of 1,000,000 msat
    assert (venue.posted(ANN, "BTC"), venue.posted(ANN, "TH1A")) == (before[0] - fees, before[1])
    venue.machine.check_invariants()


def test_a_forward_traded_with_oneself_leaves_no_position(venue: Venue) -> None:
    place(venue, ANN, SELL, 5_000, 3, instrument=2)
    place(venue, ANN, BUY, 5_000, 3, instrument=2, stp=STP_NONE)
    assert venue.trades() == [(5_000, 3)]
    assert venue.position(ANN, 2) == 0
    venue.machine.check_invariants()


def test_disconnects_take_the_orders_that_asked_for_it(venue: Venue) -> None:
    gateway = 3 << 32
    orders = {
        name: place(venue, ANN, BUY, 900, 1, origin=origin, cancel_on_disconnect=wants).sequence
        for name, origin, wants in (
            ("stays", gateway | 1, False), ("first", gateway | 1, True), ("second", gateway | 2, True),
            ("other", 4 << 32 | 1, True),
        )
    }  # fmt: skip
    assert venue.answer(commands.cancel_session(origin=gateway | 1)).value == 1
    assert [(o.order_id, o.reason) for o in venue.of(OrderState)] == [(orders["first"], REASON_DISCONNECT)]
    assert venue.answer(commands.cancel_gateway(origin=gateway)).value == 1
    assert [o.order_id for o in venue.of(OrderState)] == [orders["second"]]
    assert venue.answer(commands.cancel_gateway(origin=0)).value == 1
    assert [o.order_id for o in venue.resting(ANN)] == [orders["stays"]]


def test_cancel_all_obeys_every_filter_and_counts(venue: Venue) -> None:
    for instrument, side, price in ((0, BUY, 900), (0, SELL, 1_100), (1, SELL, 4_000_000), (2, BUY, 4_900)):
        assert place(venue, ANN, side, price, 1, instrument=instrument).code == 0
    for filters, count in (
        ({"side": SELL, "instrument": 0}, 1), ({"instrument_kind": 2}, 1), ({"quote_asset": 0}, 1), ({}, 1), ({}, 0),
    ):  # fmt: skip
        assert venue.answer(commands.cancel_all(account=ANN, **filters)).value == count
    assert venue.answer(commands.cancel_all(account=5)).code == RejectCode.UNKNOWN_ACCOUNT


def test_another_s_order_looks_like_none(venue: Venue) -> None:
    order_id = place(venue, ANN, BUY, 900, 1).sequence
    for account, wanted in ((BEN, order_id), (ANN, order_id + 10**6), (ANN, 0), (0, order_id), (2**32 - 1, order_id)):
        for record in (
            commands.cancel_order(account=account, order_id=wanted),
            commands.amend_order(account=account, order_id=wanted, price_ticks=800, total_lots=1),
        ):
            assert venue.answer(record).code == RejectCode.UNKNOWN_ORDER
    assert len(venue.resting(ANN)) == 1


def test_an_expired_market_takes_no_orders_and_its_orders_go_when_time_is_told(venue: Venue) -> None:
    month = forward(3, "HPU_USDC-31MAY24", expiry_ns=venue.time_ns + NS)
    venue.tell(commands.ListInstrument(month, 5_000))
    order_id = place(venue, ANN, BUY, 4_900, 1, instrument=3).sequence
    venue.time_ns += NS
    assert place(venue, ANN, BUY, 4_900, 1, instrument=3).code == RejectCode.INSTRUMENT_CLOSED
    amend = commands.amend_order(account=ANN, order_id=order_id, price_ticks=4_900, total_lots=1)
    assert venue.answer(amend).code == RejectCode.INSTRUMENT_CLOSED
    venue.tell(commands.AdvanceTime())
    assert [(o.order_id, o.state) for o in venue.of(OrderState)] == [(order_id, ORDER_CANCELLED)]
    assert venue.held(ANN, "USDC") == 0
    venue.machine.check_invariants()


@pytest.mark.parametrize("limit", ["orders_max", "orders_per_account_max", "positions_max"])
def test_a_full_venue_refuses_and_lives_on(limit: str) -> None:
    full = basic_venue((forward(0, "HPU_USDC-30APR24"), 5_000), limits=replace(SMALL, **{limit: 1}))
    for account in open_accounts(full, "ann", "ben"):
        fund(full, account, USDC=10**6 * USDC)
    assert place(full, ANN, BUY, 4_900, 1).code == 0
    code = {
        "orders_max": RejectCode.BOOK_FULL, "orders_per_account_max": RejectCode.OPEN_ORDERS_MAX,
        "positions_max": RejectCode.CAPACITY,
    }[limit]  # fmt: skip
    account = BEN if limit == "positions_max" else ANN
    answer = place(full, account, BUY, 4_900, 1)
    assert (answer.code, answer.detail, answer.value) == (code, 0, 0)
    full.answer(commands.cancel_all(account=ANN))
    assert place(full, ANN, BUY, 4_900, 1).code == 0
    full.machine.check_invariants()


def test_an_order_named_under_another_market_is_unknown_and_stays(venue: Venue) -> None:
    resting = place(venue, ANN, BUY, 900, 3)
    for record in (
        commands.cancel_order(account=ANN, order_id=resting.sequence, instrument=2),
        commands.amend_order(account=ANN, order_id=resting.sequence, instrument=2, price_ticks=901, total_lots=2),
    ):
        assert venue.answer(record).code == RejectCode.UNKNOWN_ORDER
    assert [order.price_ticks for order in venue.resting(ANN)] == [900]
    assert venue.answer(commands.cancel_order(account=ANN, order_id=resting.sequence, instrument=0)).code == 0
    assert venue.resting(ANN) == []
