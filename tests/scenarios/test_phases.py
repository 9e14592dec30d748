"""Goal: books move through their phases by command and by time, and auctions settle like any trade.

Method: calls, breaches and planned ends through the state machine. Rules PHASE-001..006, MATCH-090..098, FEE-004,
ORD-032.
"""

from typing import Any

import pytest
from msgspec.structs import replace

from domain import commands
from domain.book_rules import BookRules
from domain.commands import AdvanceTime, CloseInstrument, SetPhase
from domain.constants import (
    BUY,
    GFA,
    MARKET,
    ORDER_CANCELLED,
    PHASE_CLOSED,
    PHASE_CONTINUOUS,
    PHASE_EXPIRED,
    PHASE_HALT,
    PHASE_OPENING,
    PHASE_PRE_OPEN,
    PHASE_VOLATILITY,
    REASON_AUCTION_END,
    SELL,
    TRADE_AUCTION,
)
from domain.events import CommandApplied, OrderState, Phase, Trade
from domain.rejects import RejectCode
from exchange.state_machine import StateMachine
from tests.support.venue import BTC, NS, TOKEN, USDC, Venue, basic_venue, forward, fund, open_accounts, token_spot

ANN, BEN, CID = 16, 17, 18
TICK = 1_000
BANDED = BookRules(band_high_ticks=2**20 - 1, lots_max=10**9, protection_bps=100, dynamic_bps=500)


@pytest.fixture
def venue() -> Venue:
    made = basic_venue(
        (token_spot(0, taker_ppm=2_000, maker_ppm=1_000), 1_000), (forward(1, "HPU_USDC-30APR24"), 5_000),
        (replace(token_spot(2, rules=BANDED, auction_ns=10 * NS), name="TH1B_BTC"), 1_000),
    )  # fmt: skip
    for account in open_accounts(made, "ann", "ben", "cid"):
        fund(made, account, USDC=10**6 * USDC, BTC=10 * BTC, TH1A=1_000 * TOKEN)
    return made


def place(venue: Venue, account: int, side: int, price_ticks: int, lots: int, **fields: Any) -> CommandApplied:
    answer = venue.order(
        account=account, side=side, price_ticks=price_ticks, quantity_lots=lots, **{"instrument": 0, **fields}
    )
    venue.machine.check_invariants()
    return answer


def test_phase_001_a_call_tells_what_would_trade_and_then_trades_it(venue: Venue) -> None:
    venue.tell(SetPhase(0, PHASE_OPENING))
    assert venue.of(Phase) == [Phase(0, PHASE_OPENING, 0, 0, 0, 0)]
    buy = place(venue, ANN, BUY, 1_010, 5).sequence
    assert venue.of(Phase) == []
    place(venue, BEN, SELL, 990, 3)
    assert venue.of(Phase) == [Phase(0, PHASE_OPENING, 0, 1_010, 3, 2)]
    assert venue.of(Trade) == []
    venue.tell(SetPhase(0, PHASE_CONTINUOUS))
    trade = venue.of(Trade)[0]
    value = 1_010 * TICK * 3
    assert (trade.price_ticks, trade.quantity_lots, trade.flags) == (1_010, 3, TRADE_AUCTION)
    assert (trade.maker_order_id, trade.taker_side) == (buy, SELL)
    assert trade.maker_fee == trade.taker_fee == value // 1_000  # FEE-004: both pay the maker's fee
    assert venue.posted(ANN, "BTC") == 10 * BTC - value - value // 1_000
    assert venue.posted(BEN, "BTC") == 10 * BTC + value - value // 1_000
    assert venue.posted(ANN, "TH1A") == 1_003 * TOKEN
    assert [(o.total_lots, o.filled_lots) for o in venue.resting(ANN)] == [(5, 3)]
    venue.machine.check_invariants()


def test_phase_003_a_planned_end_is_carried_out_before_the_next_command(venue: Venue) -> None:
    venue.tell(SetPhase(0, PHASE_HALT))
    venue.tell(SetPhase(0, PHASE_PRE_OPEN, until_ns=venue.time_ns + 5 * NS))
    assert venue.of(Phase)[-1].until_ns == venue.time_ns - 1_000 + 5 * NS
    place(venue, ANN, BUY, 1_010, 5)
    place(venue, BEN, SELL, 1_010, 5)
    venue.machine = StateMachine.load_state(venue.machine.dump_state())
    venue.do(commands.cold(AdvanceTime()), after_ns=5 * NS)
    assert venue.of(Phase)[0].phase == PHASE_OPENING
    assert venue.of(Trade) == []
    venue.do(commands.cancel_order(account=CID, order_id=1), after_ns=61 * NS)
    assert [(t.price_ticks, t.quantity_lots) for t in venue.of(Trade)] == [(1_010, 5)]
    assert [frame.sequence for frame in venue.of(CommandApplied)] == [venue.machine.sequence] * 2
    assert venue.state.core.phase(0) == (PHASE_CONTINUOUS, 0)
    venue.machine.check_invariants()


def test_phase_002_a_breach_opens_an_auction_with_a_clock(venue: Venue) -> None:
    place(venue, BEN, SELL, 1_040, 1, instrument=2)
    place(venue, BEN, SELL, 1_060, 1, instrument=2)
    rest = place(venue, ANN, BUY, 1_100, 3, instrument=2)
    assert venue.trades() == [(1_040, 1)]
    until = venue.time_ns + 10 * NS
    assert venue.of(Phase)[0] == Phase(2, PHASE_VOLATILITY, until, 0, 0, 0)
    assert venue.of(Phase)[-1] == Phase(2, PHASE_VOLATILITY, until, 1_100, 1, 1)
    assert [o.order_id for o in venue.resting(ANN)] == [rest.sequence]
    place(venue, CID, SELL, 1_050, 4, instrument=2)
    assert venue.of(Phase)[-1].price_ticks == 1_050
    venue.do(commands.cold(AdvanceTime()), after_ns=10 * NS)
    assert venue.trades() == [(1_050, 2)]
    assert venue.state.core.phase(2) == (PHASE_CONTINUOUS, 0)


def test_phase_004_an_auction_outside_the_band_is_extended_three_times(venue: Venue) -> None:
    place(venue, BEN, SELL, 1_000, 1, instrument=2)
    place(venue, ANN, BUY, 1_000, 1, instrument=2)
    place(venue, BEN, SELL, 1_200, 1, instrument=2)
    place(venue, ANN, BUY, 1_200, 1, instrument=2)
    phases = []
    for _ in range(4):
        venue.do(commands.cold(AdvanceTime()), after_ns=10 * NS)
        phases.append(venue.state.core.phase(2)[0])
    assert phases == [PHASE_VOLATILITY] * 3 + [PHASE_CONTINUOUS]
    assert venue.trades() == [(1_200, 1)]
    venue.machine.check_invariants()


def test_match_098_what_is_good_for_the_auction_ends_with_it(venue: Venue) -> None:
    assert place(venue, ANN, BUY, 1_010, 5, time_in_force=GFA).code == RejectCode.PHASE
    venue.tell(SetPhase(0, PHASE_OPENING))
    good = place(venue, ANN, BUY, 1_010, 5, time_in_force=GFA).sequence
    market = place(venue, BEN, SELL, 0, 2, order_type=MARKET).sequence
    assert venue.held(BEN, "TH1A") == 2 * TOKEN
    venue.tell(SetPhase(0, PHASE_CONTINUOUS))
    assert venue.trades() == [(1_010, 2)]
    ends = [(o.order_id, o.filled_lots, o.reason) for o in venue.of(OrderState) if o.state == ORDER_CANCELLED]
    assert ends == [(good, 2, REASON_AUCTION_END)]
    assert market
    assert venue.held(ANN, "BTC") == venue.held(BEN, "TH1A") == 0


def test_match_090_a_halt_takes_only_cancels(venue: Venue) -> None:
    order_id = place(venue, ANN, BUY, 900, 1).sequence
    venue.tell(SetPhase(0, PHASE_HALT))
    assert place(venue, ANN, BUY, 900, 1).code == RejectCode.BOOK_HALTED
    amend = commands.amend_order(account=ANN, order_id=order_id, price_ticks=901, total_lots=1)
    assert venue.answer(amend).code == RejectCode.BOOK_HALTED
    assert venue.answer(commands.cancel_order(account=ANN, order_id=order_id)).code == 0
    venue.tell(SetPhase(0, PHASE_CLOSED))
    assert place(venue, ANN, BUY, 900, 1).code == RejectCode.BOOK_CLOSED


def test_ord_032_reduce_only_orders_are_cut_together_before_an_auction(venue: Venue) -> None:
    place(venue, BEN, SELL, 5_000, 4, instrument=1)
    place(venue, ANN, BUY, 5_000, 4, instrument=1)
    venue.tell(SetPhase(1, PHASE_OPENING))
    place(venue, ANN, SELL, 5_001, 3, instrument=1, reduce_only=True)
    place(venue, ANN, SELL, 5_000, 3, instrument=1, reduce_only=True)
    place(venue, ANN, SELL, 5_002, 4, instrument=1, reduce_only=True)
    place(venue, CID, BUY, 5_002, 10, instrument=1)
    venue.tell(SetPhase(1, PHASE_CONTINUOUS))
    assert sum(lots for _, lots in venue.trades()) == 4
    assert venue.position(ANN, 1) == 0
    assert venue.resting(ANN) == []
    venue.machine.check_invariants()


def test_ord_032_what_closes_a_position_already_leaves_nothing_to_reduce_in_an_auction(venue: Venue) -> None:
    place(venue, BEN, SELL, 5_000, 5, instrument=1)
    place(venue, ANN, BUY, 5_000, 5, instrument=1)
    venue.tell(SetPhase(1, PHASE_OPENING))
    place(venue, ANN, SELL, 4_990, 5, instrument=1)
    place(venue, ANN, SELL, 5_000, 5, instrument=1, reduce_only=True)
    far = place(venue, ANN, SELL, 5_100, 5, instrument=1, reduce_only=True).sequence
    place(venue, CID, BUY, 5_010, 10, instrument=1)
    venue.tell(SetPhase(1, PHASE_CONTINUOUS))
    assert (sum(lots for _, lots in venue.trades()), venue.position(ANN, 1)) == (5, 0)
    assert [order.order_id for order in venue.resting(ANN)] == [far]  # its turn to be asked comes when it trades
    venue.machine.check_invariants()


def test_phase_006_an_instrument_that_ends_is_closed_then_expired(venue: Venue) -> None:
    venue.tell(SetPhase(0, PHASE_OPENING))
    place(venue, ANN, BUY, 1_010, 5)
    venue.tell(CloseInstrument(0))
    assert [phase.phase for phase in venue.of(Phase)] == [PHASE_CLOSED, PHASE_EXPIRED]
    assert venue.resting(ANN) == []
    assert venue.answer(commands.cold(SetPhase(0, PHASE_OPENING))).code == RejectCode.INSTRUMENT_CLOSED
    venue.machine.check_invariants()
