"""Goal: the worked numbers of docs/rules/MATCH.md for pegs, phases and auctions are what both engines do.

Method: as in test_match_examples.py.
"""

import pytest

from domain.constants import (
    FOK,
    GFA,
    IOC,
    MARKET,
    MARKET_TO_LIMIT,
    PEG_ASK,
    PEG_BID,
    PEG_MID,
    PHASE_CLOSED,
    PHASE_CONTINUOUS,
    PHASE_EXPIRED,
    PHASE_HALT,
    PHASE_OPENING,
    PHASE_PRE_OPEN,
    PHASE_VOLATILITY,
    STP_CANCEL_OLDEST,
    STP_DECREMENT,
    STP_NONE,
    TRIGGER_UP,
)
from tests.cases.test_match_examples import ANN, BOB, CID, Book
from tests.engines import ENGINE_NAMES


@pytest.fixture(params=ENGINE_NAMES)
def book(request: pytest.FixtureRequest) -> Book:
    return Book(request.param)


@pytest.fixture
def call(book: Book) -> Book:
    """Book 0 in its opening auction."""
    book.engine.set_phase(0, PHASE_OPENING)
    return book


def rested_at(book: Book, order_id: int) -> int | None:
    found = book.engine.order(order_id)
    return None if found is None else found[3]


# ---- pegs ------------------------------------------------------------------------------------------------------


def test_match_080_price_of_a_peg(book: Book) -> None:
    book.open(tick_table=((100, 5),))
    book.buy(1, 1, 90)
    book.sell(2, 1, 115)
    book.buy(3, 1, 0, peg=PEG_BID, peg_offset=-2)
    book.buy(4, 1, 0, peg=PEG_MID)  # 102.5 -> 102 -> 100
    book.sell(5, 1, 0, peg=PEG_MID)  # 103 -> 105
    book.buy(6, 1, 95, peg=PEG_MID)  # its own limit
    book.buy(7, 1, 0, peg=PEG_ASK, peg_offset=4)  # would meet the best ask, which is a peg at 105
    assert [rested_at(book, number) for number in range(3, 8)] == [88, 100, 105, 95, 100]


def test_match_081_and_082_peg_with_nothing_to_follow_is_parked(book: Book) -> None:
    assert book.buy(1, 5, 20, peg=PEG_BID) == [("parked", 1, 5)]
    assert (book.engine.parked(0), book.engine.order(1), book.engine.shown(1)) == ([1], (0, CID, 0, 20, 5, 0), 0)
    assert book.engine.cancel_owner(CID, low=1) == []
    assert book.buy(2, 1, 30) == [("rested", 2, 30, 1, 1), ("rested", 1, 20, 5, 5)]
    assert book.engine.cancel(2, CID) == [
        ("cancelled", 2, 1, "user", 30, 0), ("cancelled", 1, 5, "peg", 20, 0), ("parked", 1, 5)
    ]  # fmt: skip
    assert book.engine.cancel(1, CID) == [("cancelled", 1, 5, "user", 20, -1)]


def test_match_081_peg_cancel_refuses_and_cancels(book: Book) -> None:
    book.open(peg_cancel=True)
    assert book.buy(1, 5, 0, peg=PEG_BID) == [("refused", 1, "no_reference")]
    book.buy(2, 1, 30)
    book.buy(1, 5, 0, peg=PEG_BID, peg_offset=-1)
    assert book.engine.cancel(2, CID) == [
        ("cancelled", 2, 1, "user", 30, 0), ("cancelled", 1, 5, "no_reference", 29, 0)
    ]  # fmt: skip


def test_match_083_pegs_move_once_at_the_end_by_entry_number(book: Book) -> None:
    book.buy(1, 1, 10)
    book.buy(2, 1, 0, peg=PEG_BID, peg_offset=-1)
    book.buy(3, 1, 0, peg=PEG_BID)
    assert book.buy(4, 1, 12) == [
        ("rested", 4, 12, 1, 1), ("cancelled", 2, 1, "peg", 9, 0), ("rested", 2, 11, 1, 1),
        ("cancelled", 3, 1, "peg", 10, 1), ("rested", 3, 12, 1, 2),
    ]  # fmt: skip
    assert book.sell(5, 3, 11) == [  # not during the sweep: peg 3 trades at 12, peg 2 at 11
        ("fill", 4, 5, 12, 1, 0, 1), ("fill", 3, 5, 12, 1, 0, 0), ("fill", 2, 5, 11, 1, 0, 0)
    ]  # fmt: skip


def test_match_047_amending_a_peg(book: Book) -> None:
    book.buy(1, 1, 10)
    book.buy(2, 5, 0, peg=PEG_BID)
    assert book.engine.amend(2, CID, 0, 4) == [("amended", 2, 10, 4, 5)]
    assert book.engine.amend(2, CID, 9, 3) == [
        ("amended", 2, 10, 3, 4), ("cancelled", 2, 3, "peg", 10, 1), ("rested", 2, 9, 3, 3)
    ]  # fmt: skip
    assert book.engine.amend(2, CID, 0, 6) == [("cancelled", 2, 3, "amend_replace", 9, 0), ("rested", 2, 10, 6, 7)]
    book.engine.set_phase(0, PHASE_OPENING)
    assert book.engine.amend(2, CID, 8, 9) == [("parked", 2, 9)]


def test_match_078_pegs_are_bounded(book: Book) -> None:
    book.open(pegs_max=1)
    book.buy(1, 1, 0, peg=PEG_BID)
    assert book.buy(2, 1, 0, peg=PEG_BID) == [("refused", 2, "pegs_full")]


def test_match_084_call_parks_pegs(book: Book) -> None:
    book.buy(1, 1, 10)
    book.buy(2, 5, 0, peg=PEG_BID)
    assert book.engine.set_phase(0, PHASE_OPENING) == [
        ("phase", 0, 2), ("cancelled", 2, 5, "peg", 10, 1), ("parked", 2, 5)
    ]  # fmt: skip
    assert book.buy(3, 5, 0, peg=PEG_BID) == [("parked", 3, 5)]
    assert book.engine.set_phase(0, PHASE_CONTINUOUS) == [
        ("phase", 0, 0), ("rested", 2, 10, 5, 6), ("rested", 3, 10, 5, 11)
    ]  # fmt: skip


# ---- phases ----------------------------------------------------------------------------------------------------


def test_match_090_legal_phases_and_what_they_take(book: Book) -> None:
    assert book.engine.set_phase(0, PHASE_PRE_OPEN) == [("refused", 0, "illegal_phase")]
    assert book.engine.set_phase(0, PHASE_CONTINUOUS) == [("refused", 0, "illegal_phase")]
    assert book.engine.set_phase(7, PHASE_HALT) == [("refused", 7, "no_book")]
    book.buy(1, 5, 10)
    assert book.engine.set_phase(0, PHASE_HALT) == [("phase", 0, 4)]
    assert book.buy(2, 5, 10) == [("refused", 2, "halted")]
    assert book.engine.amend(1, CID, 10, 4) == [("refused", 1, "halted")]
    book.engine.set_phase(0, PHASE_PRE_OPEN)
    for options in ({"tif": IOC}, {"tif": FOK}):
        assert book.buy(2, 5, 10, **options) == [("refused", 2, "phase")]
    assert book.buy(9, 5, 10, tif=IOC, trigger=TRIGGER_UP, trigger_ticks=5) == [("pending", 9, 5, 5)]
    assert book.buy(2, 5, 0, order_type=MARKET_TO_LIMIT) == [("refused", 2, "bad_order")]
    assert book.buy(2, 5, 0, order_type=MARKET, budget=5) == [("refused", 2, "bad_order")]
    book.engine.set_phase(0, PHASE_CLOSED)
    assert book.buy(2, 5, 10) == [("refused", 2, "closed")]
    assert book.engine.cancel(1, CID) == [("cancelled", 1, 5, "user", 10, 0)]


def test_match_091_call_queues_without_trading(call: Book) -> None:
    call.sell(1, 5, 10)
    assert call.buy(2, 5, 12) == [("rested", 2, 12, 5, 5)]
    assert call.buy(3, 1, 10, post_only=1) == [("refused", 3, "post_only_cross")]
    assert call.engine.amend(2, CID, 13, 5) == [("cancelled", 2, 5, "amend_replace", 12, 0), ("rested", 2, 13, 5, 5)]
    assert call.engine.best(0) == (13, 10)
    assert call.sell(4, 2, 0, order_type=MARKET) == [("rested", 4, 1, 2, 2)]
    assert call.engine.set_price(0, 0, 20) == []
    assert call.buy(5, 1, 9, trigger=TRIGGER_UP, trigger_ticks=20) == [("pending", 5, 20, 1)]


def test_match_092_most_volume_then_smallest_surplus(call: Book) -> None:
    call.buy(1, 10, 12)
    call.buy(2, 10, 11)
    call.sell(3, 8, 10)
    call.sell(4, 7, 11, display_lots=1)
    # at 10: 8, at 11: 15 of 20 wanted, at 12: 10
    assert call.engine.indicative(0) == (11, 15, 5)


@pytest.mark.parametrize(
    ("bid_lots", "reference", "found"),
    [
        (6, 0, (12, 5, 1)),  # buyers press: the highest
        (4, 0, (10, 4, -1)),  # sellers press: the lowest
        (5, 0, (11, 5, 0)),  # nobody: the middle
        (5, 9, (10, 5, 0)), (5, 12, (12, 5, 0)), (5, 11, (11, 5, 0)),  # or the reference
    ],
)  # fmt: skip
def test_match_092_ties(call: Book, bid_lots: int, reference: int, found: tuple[int, int, int]) -> None:
    call.engine.set_auction_reference(0, reference)
    call.buy(1, bid_lots, 12)
    call.sell(2, 5, 10)
    assert call.engine.indicative(0) == found


def test_match_092_only_market_orders_need_a_stated_price(call: Book) -> None:
    call.buy(1, 5, 0, order_type=MARKET)
    call.sell(2, 3, 0, order_type=MARKET)
    assert call.engine.indicative(0) is None
    call.engine.set_auction_reference(0, 50)
    assert call.engine.indicative(0) == (50, 3, 2)


def test_match_093_no_indicative_when_nothing_would_trade(call: Book) -> None:
    call.buy(1, 5, 10)
    call.sell(2, 5, 11)
    assert call.engine.indicative(0) is None
    call.buy(3, 1, 11)
    assert call.engine.indicative(0) == (11, 1, -4)


def test_match_094_uncross_then_auction_orders_then_triggers_then_pegs(call: Book) -> None:
    call.engine.set_auction_reference(0, 11)
    call.buy(1, 1, 12)
    call.buy(2, 5, 0, order_type=MARKET)
    call.sell(3, 5, 10, display_lots=3)
    call.sell(4, 2, 14, tif=GFA)
    call.buy(5, 1, 8, trigger=TRIGGER_UP, trigger_ticks=12)
    call.buy(6, 1, 0, peg=PEG_BID)
    assert call.engine.set_phase(0, PHASE_CONTINUOUS) == [
        ("phase", 0, 0), ("auction", 0, 12, 5),
        ("cross", 2, 3, 12, 3, 2, 2, 2, 0), ("refreshed", 3, 10, 2, 2), ("cross", 2, 3, 12, 2, 0, 0, 0, 0),
        ("cancelled", 4, 2, "auction_end", 14, 0), ("triggered", 5, 12), ("rested", 5, 8, 1, 1),
        ("rested", 6, 12, 1, 2),
    ]  # fmt: skip
    assert (call.engine.last_price(0), call.engine.best(0)) == (12, (12, None))


def test_match_095_prevention_in_the_auction(call: Book) -> None:
    call.buy(1, 5, 12, owner=ANN)
    call.sell(2, 3, 10, owner=ANN)
    call.sell(3, 4, 10, owner=BOB)
    assert call.engine.set_phase(0, PHASE_CONTINUOUS) == [  # the buy's mode: newest, the buy is the taker
        ("phase", 0, 0), ("auction", 0, 10, 5), ("cancelled", 1, 5, "stp", 12, 0)
    ]  # fmt: skip


def test_match_095_decrement_and_the_sells_mode(call: Book) -> None:
    call.buy(1, 5, 12, owner=ANN, stp=STP_DECREMENT)
    call.sell(2, 3, 10, owner=ANN)
    assert call.engine.set_phase(0, PHASE_CONTINUOUS) == [
        ("phase", 0, 0), ("auction", 0, 12, 3), ("cancelled", 2, 3, "stp", 10, 0), ("reduced", 1, 3, 2, 12, 2)
    ]  # fmt: skip
    call.engine.set_phase(0, PHASE_OPENING)
    call.sell(3, 1, 10, owner=ANN, stp=STP_CANCEL_OLDEST)
    call.engine.cancel(1, ANN)
    call.buy(4, 5, 12, owner=ANN, stp=STP_NONE)
    assert call.engine.set_phase(0, PHASE_CONTINUOUS)[2:] == [("cancelled", 4, 5, "stp", 12, 0)]


def test_match_096_volatility_auction_is_extended(book: Book) -> None:
    book.open(dynamic_bps=500)
    book.engine.set_auction_reference(0, 100)
    book.engine.set_phase(0, PHASE_VOLATILITY)
    book.buy(1, 5, 106)
    book.sell(2, 5, 106)
    assert book.engine.set_phase(0, PHASE_CONTINUOUS) == [("extended", 0, 106)]
    assert book.engine.phase(0) == PHASE_VOLATILITY
    assert book.engine.set_phase(0, PHASE_CONTINUOUS, force=True) == [
        ("phase", 0, 0), ("auction", 0, 106, 5), ("cross", 1, 2, 106, 5, 0, 0, 0, 0)
    ]  # fmt: skip


def test_match_097_expired_book_is_emptied(book: Book) -> None:
    book.sell(1, 1, 10)
    book.buy(2, 1, 5)
    book.buy(3, 1, 5, trigger=TRIGGER_UP, trigger_ticks=20)
    book.engine.set_phase(0, PHASE_CLOSED)
    assert book.engine.set_phase(0, PHASE_EXPIRED) == [
        ("phase", 0, 6), ("cancelled", 2, 1, "expiry", 5, 0), ("cancelled", 1, 1, "expiry", 10, 0),
        ("cancelled", 3, 1, "expiry", 5, -1),
    ]  # fmt: skip
    assert book.buy(4, 1, 5) == [("refused", 4, "closed")]


def test_match_098_halt_ends_a_call_without_crossing(call: Book) -> None:
    call.buy(1, 5, 12)
    call.sell(2, 5, 10)
    call.sell(3, 5, 10, tif=GFA)
    assert call.engine.set_phase(0, PHASE_HALT) == [("phase", 0, 4), ("cancelled", 3, 5, "auction_end", 10, 5)]
    assert call.engine.best(0) == (12, 10)
