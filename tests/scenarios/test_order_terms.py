"""Goal: orders that are more than a plain one keep their promises from the command to the last frame.

Method: stories of few orders through the state machine; holds, frames and L3 queues are compared with what the rule
says. Rules ORD-001..032, ORD-040, MATCH-065..084 as the exchange carries them out.
"""

from typing import Any

import pytest
from msgspec.structs import replace

from domain import commands
from domain.commands import AdvanceTime, CloseInstrument, SetIdentity, SetPrice, UpdateMarks
from domain.constants import (
    BUY,
    DAY,
    GTC,
    GTD,
    L3_ADDED,
    L3_CHANGED,
    L3_EXECUTED,
    L3_REMOVED,
    MARKET,
    MARKET_TO_LIMIT,
    ORDER_CANCELLED,
    ORDER_FILLED,
    ORDER_OPEN,
    ORDER_PARKED,
    ORDER_WAITING,
    PEG_BID,
    REASON_ELIGIBILITY,
    REASON_EXPIRED,
    REASON_FUNDS,
    REASON_OCO,
    REASON_REDUCE_ONLY,
    REFERENCE_INDEX,
    SELL,
    STP_DECREMENT,
    TRIGGER_DOWN,
    TRIGGER_UP,
)
from domain.events import CommandApplied, OrderState, QueueChange
from domain.instruments import DAY_NS
from domain.rejects import RejectCode
from tests.support.venue import (
    BTC,
    NS,
    SMALL,
    START_NS,
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

ANN, BEN, CID = 16, 17, 18
TICK = 1_000  # msat of one satoshi


@pytest.fixture
def venue() -> Venue:
    made = basic_venue(
        (token_spot(0, rule_id=1), 1_000), (btc_spot(1), 4_000_000), (forward(2, "HPU_USDC-30APR24"), 5_000)
    )  # fmt: skip
    for account in open_accounts(made, "ann", "ben", "cid"):
        fund(made, account, USDC=10**6 * USDC, BTC=10 * BTC, TH1A=1_000 * TOKEN)
    return made


def place(venue: Venue, account: int, side: int, price_ticks: int, lots: int, **fields: Any) -> CommandApplied:
    return venue.order(
        account=account, side=side, price_ticks=price_ticks, quantity_lots=lots, **{"instrument": 0, **fields}
    )


def placed(venue: Venue, *order: Any, **fields: Any) -> int:
    answer = place(venue, *order, **fields)
    assert answer.code == 0, answer
    venue.machine.check_invariants()
    return answer.sequence


def states(venue: Venue) -> list[tuple[int, int, int]]:
    return [(order.order_id, order.state, order.reason) for order in venue.of(OrderState)]


def last(venue: Venue, order_id: int) -> OrderState:
    return [order for order in venue.of(OrderState) if order.order_id == order_id][-1]


def test_ord_002_an_iceberg_holds_all_of_it_and_shows_a_part(venue: Venue) -> None:
    order_id = placed(venue, ANN, BUY, 900, 10, display_lots=3)
    assert venue.held(ANN, "BTC") == 10 * 900 * TICK
    assert (last(venue, order_id).shown_lots, last(venue, order_id).display_lots) == (3, 3)
    assert venue.state.core.depth(0, 5) == ([(900, 3)], [])
    placed(venue, BEN, SELL, 900, 4)
    assert venue.held(ANN, "BTC") == 6 * 900 * TICK
    assert [(o.filled_lots, o.shown_lots) for o in venue.resting(ANN)] == [(4, 2)]


def test_ord_003_the_queue_of_a_level_can_be_followed_from_its_changes(venue: Venue) -> None:
    iceberg = placed(venue, ANN, BUY, 900, 5, display_lots=2)
    plain = placed(venue, BEN, BUY, 900, 3)
    taker = placed(venue, CID, SELL, 900, 4)
    changes = [(c.order_id, c.kind, c.shown_lots) for c in venue.of(QueueChange)]
    assert changes == [(iceberg, L3_EXECUTED, 0), (iceberg, L3_ADDED, 2), (plain, L3_EXECUTED, 1)]
    assert taker not in {c.order_id for c in venue.of(QueueChange)}
    venue.answer(commands.amend_order(account=ANN, order_id=iceberg, price_ticks=900, total_lots=3))
    assert [change[2:4] + change[5:] for change in venue.of(QueueChange)] == [(L3_CHANGED, iceberg, 1, 6)]
    venue.answer(commands.cancel_order(account=BEN, order_id=plain))
    assert [change[2:4] + change[5:] for change in venue.of(QueueChange)] == [(L3_REMOVED, plain, 0, 7)]


def test_ord_002_a_stop_holds_nothing_until_it_rests(venue: Venue) -> None:
    stop = placed(venue, ANN, BUY, 1_010, 2, trigger=TRIGGER_UP, trigger_ticks=1_000)
    assert last(venue, stop).state == ORDER_WAITING
    assert venue.held(ANN, "BTC") == 0
    placed(venue, BEN, SELL, 1_000, 1)
    placed(venue, CID, BUY, 1_000, 1)
    assert [order.order_id for order in venue.of(OrderState)][-1] == stop
    assert last(venue, stop).state == ORDER_OPEN
    assert venue.held(ANN, "BTC") == 2 * 1_010 * TICK


def test_ord_020_a_triggered_order_without_funds_is_cancelled_for_that(venue: Venue) -> None:
    stop = placed(venue, ANN, BUY, 1_000_000, 10_000, trigger=TRIGGER_UP, trigger_ticks=1_000)
    placed(venue, BEN, SELL, 1_000, 1)
    placed(venue, CID, BUY, 1_000, 1)
    assert states(venue)[-1] == (stop, ORDER_CANCELLED, REASON_FUNDS)
    venue.machine.check_invariants()


def test_ord_020_who_lost_eligibility_loses_what_waits_too(venue: Venue) -> None:
    stop = placed(venue, ANN, BUY, 1_010, 2, trigger=TRIGGER_UP, trigger_ticks=1_000)
    venue.tell(SetIdentity(ANN, "KP", ()))
    assert states(venue) == [(stop, ORDER_CANCELLED, REASON_ELIGIBILITY)]


def test_ord_020_a_cascade_settles_order_by_order(venue: Venue) -> None:
    for price in (10, 11, 12):
        placed(venue, BEN, SELL, 1_000 + price, 1)
    first = placed(venue, ANN, BUY, 0, 1, order_type=MARKET, trigger=TRIGGER_UP, trigger_ticks=1_010)
    second = placed(venue, ANN, BUY, 0, 1, order_type=MARKET, trigger=TRIGGER_UP, trigger_ticks=1_011)
    placed(venue, CID, BUY, 1_010, 1)
    assert venue.trades() == [(1_010, 1), (1_011, 1), (1_012, 1)]
    assert [s for s in states(venue) if s[0] in (first, second)] == [
        (first, ORDER_FILLED, 0), (second, ORDER_FILLED, 0)
    ]  # fmt: skip
    assert venue.posted(ANN, "TH1A") == 1_002 * TOKEN


def test_ord_022_an_index_triggers_after_all_marks_are_set(venue: Venue) -> None:
    placed(venue, BEN, SELL, 4_000_000, 5, instrument=1)
    placed(venue, BEN, BUY, 3_990_000, 5, instrument=1)
    stop = placed(
        venue, ANN, SELL, 0, 2, instrument=1, order_type=MARKET, trigger=TRIGGER_DOWN, trigger_ticks=3_980_000,
        reference=REFERENCE_INDEX,
    )  # fmt: skip
    assert last(venue, stop).state == ORDER_WAITING
    venue.tell(SetPrice(39_700 * 10**6, "test", venue.time_ns))
    venue.tell(UpdateMarks())
    assert venue.trades() == [(3_990_000, 2)]
    assert last(venue, stop).state == ORDER_FILLED
    venue.machine.check_invariants()


def test_ord_021_a_fill_of_one_cancels_the_other(venue: Venue) -> None:
    profit = placed(venue, ANN, SELL, 1_100, 2)
    stop = placed(venue, ANN, SELL, 900, 2, trigger=TRIGGER_DOWN, trigger_ticks=950, oco=profit)
    placed(venue, BEN, BUY, 1_100, 1)
    assert (stop, ORDER_CANCELLED, REASON_OCO) in states(venue)
    assert venue.held(ANN, "TH1A") == 1 * TOKEN


def test_ord_002_a_peg_holds_at_its_own_limit_wherever_it_stands(venue: Venue) -> None:
    peg = placed(venue, ANN, BUY, 950, 4, peg=PEG_BID)
    assert last(venue, peg).state == ORDER_PARKED
    assert venue.held(ANN, "BTC") == 4 * 950 * TICK
    placed(venue, BEN, BUY, 900, 1)
    assert (last(venue, peg).state, last(venue, peg).price_ticks) == (ORDER_OPEN, 900)
    placed(venue, BEN, BUY, 940, 1)
    assert last(venue, peg).price_ticks == 940
    assert venue.held(ANN, "BTC") == 4 * 950 * TICK
    assert venue.answer(
        commands.amend_order(account=ANN, order_id=peg, price_ticks=930, total_lots=3)
    ).code == 0  # fmt: skip
    assert venue.held(ANN, "BTC") == 3 * 930 * TICK
    placed(venue, CID, SELL, 930, 3)
    assert venue.held(ANN, "BTC") == 1 * 930 * TICK
    venue.machine.check_invariants()


def test_ord_001_a_peg_without_a_limit_is_refused(venue: Venue) -> None:
    answer = place(venue, ANN, BUY, 0, 4, peg=PEG_BID)
    assert (answer.code, answer.detail) == (RejectCode.BAD_FIELD, 10)


def test_ord_001_decrement_lowers_both_totals(venue: Venue) -> None:
    resting = placed(venue, ANN, SELL, 1_000, 5)
    taker = placed(venue, ANN, BUY, 1_000, 3, stp=STP_DECREMENT)
    assert (last(venue, resting).total_lots, last(venue, resting).prevented_lots) == (2, 3)
    assert last(venue, taker).state == ORDER_CANCELLED
    assert venue.held(ANN, "TH1A") == 2 * TOKEN


def test_ord_001_market_to_limit_rests_at_the_price_it_found(venue: Venue) -> None:
    placed(venue, BEN, SELL, 1_000, 2)
    order_id = placed(venue, ANN, BUY, 0, 3, order_type=MARKET_TO_LIMIT)
    assert (last(venue, order_id).price_ticks, last(venue, order_id).filled_lots) == (1_000, 2)
    assert venue.held(ANN, "BTC") == 1_000 * TICK


def long_of(venue: Venue, account: int, other: int, lots: int) -> None:
    placed(venue, other, SELL, 5_000, lots, instrument=2)
    placed(venue, account, BUY, 5_000, lots, instrument=2)
    assert venue.position(account, 2) == lots


def test_ord_030_reduce_only_is_cut_to_the_position_and_refused_without_one(venue: Venue) -> None:
    fields = {"instrument": 2, "reduce_only": True}
    assert place(venue, ANN, SELL, 5_100, 1, **fields).code == RejectCode.REDUCE_ONLY_INCREASES
    assert place(venue, ANN, SELL, 1_100, 1, reduce_only=True).code == RejectCode.BAD_FIELD
    long_of(venue, ANN, BEN, 4)
    assert place(venue, ANN, BUY, 4_900, 1, **fields).code == RejectCode.REDUCE_ONLY_INCREASES
    order_id = placed(venue, ANN, SELL, 5_100, 9, **fields)
    assert last(venue, order_id).total_lots == 4


def test_ord_031_a_resting_reduce_only_order_is_trimmed_before_it_trades(venue: Venue) -> None:
    long_of(venue, ANN, BEN, 4)
    first = placed(venue, ANN, SELL, 5_100, 3, instrument=2, reduce_only=True)
    second = placed(venue, ANN, SELL, 5_101, 4, instrument=2, reduce_only=True)
    third = placed(venue, ANN, SELL, 5_102, 4, instrument=2, reduce_only=True)
    placed(venue, CID, SELL, 5_103, 5, instrument=2)
    placed(venue, BEN, BUY, 5_103, 6, instrument=2)
    assert venue.trades() == [(5_100, 3), (5_101, 1), (5_103, 2)]
    assert venue.position(ANN, 2) == 0
    assert (last(venue, second).total_lots, last(venue, second).state) == (1, ORDER_FILLED)
    assert (third, ORDER_CANCELLED, REASON_REDUCE_ONLY) in states(venue)
    assert last(venue, first).state == ORDER_FILLED


def test_ord_030_a_reduce_only_stop_is_cut_when_it_is_triggered(venue: Venue) -> None:
    stop = placed(
        venue, ANN, SELL, 4_900, 9, instrument=2, reduce_only=True, trigger=TRIGGER_DOWN, trigger_ticks=4_950
    )
    long_of(venue, ANN, BEN, 4)
    placed(venue, BEN, SELL, 4_950, 1, instrument=2)
    placed(venue, CID, BUY, 4_950, 1, instrument=2)
    assert (last(venue, stop).state, last(venue, stop).total_lots) == (ORDER_OPEN, 4)


def test_ord_012_an_amend_stays_within_what_reduces(venue: Venue) -> None:
    long_of(venue, ANN, BEN, 4)
    order_id = placed(venue, ANN, SELL, 5_100, 2, instrument=2, reduce_only=True)
    answer = venue.answer(
        commands.amend_order(account=ANN, order_id=order_id, price_ticks=5_200, total_lots=50)
    )  # fmt: skip
    assert answer.code == 0
    assert [(o.price_ticks, o.total_lots) for o in venue.resting(ANN)] == [(5_200, 4)]


def test_ord_010_an_amend_may_state_the_open_quantity(venue: Venue) -> None:
    order_id = placed(venue, ANN, BUY, 900, 10)
    placed(venue, BEN, SELL, 900, 4)
    answer = venue.answer(
        commands.amend_order(account=ANN, order_id=order_id, price_ticks=900, total_lots=5, open_lots=True)
    )
    assert answer.code == 0
    assert [(o.total_lots, o.filled_lots) for o in venue.resting(ANN)] == [(9, 4)]


@pytest.mark.parametrize("cold", [False, True])
def test_ord_040_day_and_gtd_end_before_the_first_command_at_their_time(venue: Venue, cold: bool) -> None:
    day = placed(venue, ANN, BUY, 900, 1, time_in_force=DAY)
    later = placed(venue, ANN, BUY, 901, 1, time_in_force=GTD, expire_ns=START_NS + 30 * NS)
    sooner = placed(venue, BEN, BUY, 902, 1, time_in_force=GTD, expire_ns=START_NS + 10 * NS)
    kept = placed(venue, BEN, BUY, 903, 1, time_in_force=GTC)
    assert last(venue, kept).expire_ns == 0
    loaded = type(venue.machine).load_state(venue.machine.dump_state())
    record = commands.cold(AdvanceTime()) if cold else commands.cancel_order(account=CID, order_id=99)
    venue.do(record, after_ns=40 * NS)
    assert states(venue) == [(sooner, ORDER_CANCELLED, REASON_EXPIRED), (later, ORDER_CANCELLED, REASON_EXPIRED)]
    own, command = venue.of(CommandApplied)
    assert (own.sequence, own.origin, own.events, command.events) == (command.sequence, 0, own.events, 0)
    assert loaded.digest() != venue.machine.digest()
    venue.do(commands.cold(AdvanceTime()), after_ns=DAY_NS)
    assert states(venue) == [(day, ORDER_CANCELLED, REASON_EXPIRED)]
    assert venue.held(ANN, "BTC") == 0
    venue.machine.check_invariants()


def test_ord_040_a_good_till_date_has_to_be_later(venue: Venue) -> None:
    for fields in ({"time_in_force": GTD}, {"time_in_force": GTD, "expire_ns": START_NS}, {"expire_ns": 2**62}):
        answer = place(venue, ANN, BUY, 900, 1, **fields)
        assert (answer.code, answer.detail) == (RejectCode.BAD_FIELD, 14)


def test_ord_024_the_end_of_an_instrument_takes_what_waits(venue: Venue) -> None:
    stop = placed(venue, ANN, BUY, 1_010, 2, trigger=TRIGGER_UP, trigger_ticks=1_000)
    peg = placed(venue, ANN, BUY, 950, 4, peg=PEG_BID)
    venue.tell(CloseInstrument(0))
    assert {order_id for order_id, state, _ in states(venue) if state == ORDER_CANCELLED} == {stop, peg}
    assert place(venue, ANN, BUY, 900, 1).code == RejectCode.INSTRUMENT_CLOSED
    venue.machine.check_invariants()


def test_ord_023_a_sweep_longer_than_the_books_buffer_is_one_command() -> None:
    limits = replace(SMALL, orders_max=8_192, orders_per_account_max=8_192, timeline_entries_max=32_768)
    venue = basic_venue((token_spot(0), 1_000), limits=limits)
    for account in open_accounts(venue, "ann", "ben"):
        fund(venue, account, BTC=10 * BTC, TH1A=10_000 * TOKEN)
    fields: dict[str, Any] = {"instrument": 0, "side": SELL, "quantity_lots": 1}
    venue.do(*(commands.new_order(account=ANN, price_ticks=1_000 + n % 7, **fields) for n in range(5_000)))
    stop = placed(venue, BEN, BUY, 0, 3, order_type=MARKET, trigger=TRIGGER_UP, trigger_ticks=1_006)
    taker = placed(venue, BEN, BUY, 1_006, 4_990)
    assert len(venue.trades()) == 4_993
    assert last(venue, taker).notional_ticks == sum(price for price, _ in venue.trades()[:4_990])
    assert last(venue, stop).state == ORDER_FILLED
    assert len(venue.of(CommandApplied)) == 1
    venue.do(*(commands.new_order(account=ANN, price_ticks=1_000, **fields) for _ in range(4_900)))
    assert venue.answer(commands.cancel_all(account=ANN)).value == 4_907
    assert venue.held(ANN, "TH1A") == 0
    venue.machine.check_invariants()
