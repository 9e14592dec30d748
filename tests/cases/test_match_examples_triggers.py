"""Goal: the worked numbers of docs/rules/MATCH.md for waiting orders, trailing ones, links and the cascade are what
both engines do.

Method: as in test_match_examples.py.
"""

import hashlib
import struct

import pytest

from domain.constants import (
    FOK,
    IOC,
    MARKET,
    REFERENCE_INDEX,
    REFERENCE_LAST,
    REFERENCE_MARK,
    STP_NONE,
    TRIGGER_DOWN,
    TRIGGER_UP,
)
from tests.cases.test_match_examples import ANN, BOB, CID, Book
from tests.engines import ENGINE_NAMES, Event


@pytest.fixture(params=ENGINE_NAMES)
def book(request: pytest.FixtureRequest) -> Book:
    return Book(request.param)


def see(book: Book, price: int, reference: int = REFERENCE_LAST) -> list[Event]:
    return book.engine.set_price(0, reference, price)


def test_match_028_waiting_orders_take_room(book: Book) -> None:
    book.open(orders_max=1)
    book.buy(1, 1, 10, trigger=TRIGGER_UP, trigger_ticks=20)
    assert book.buy(2, 1, 10) == [("refused", 2, "book_full")]
    assert book.buy(3, 1, 10, trigger=TRIGGER_UP, trigger_ticks=20) == [("refused", 3, "book_full")]
    assert see(book, 20) == [("triggered", 1, 20), ("rested", 1, 10, 1, 1)]  # it had its room


def test_match_060_digest_has_what_waits_and_what_is_parked(book: Book) -> None:
    see(book, 50)
    book.sell(4, 2, 45, trigger=TRIGGER_DOWN, trigger_ticks=40)
    book.buy(3, 5, 30, peg=1)
    book.sell(2, 6, 0, order_type=MARKET, trail_ticks=10)
    records = [(0, 2, 40, 4, ANN, 2, 0, 0), (0, 3, 30, 3, CID, 5, 0, 0), (0, 2, 0, 2, ANN, 6, 0, 50)]
    packed = b"".join(struct.pack("<IBqQIqqq", *record) for record in records)
    assert book.engine.state_digest() == hashlib.blake2b(packed, digest_size=16).hexdigest()
    assert (book.engine.waiting(0), book.engine.parked(0)) == ([4, 2], [3])


@pytest.mark.parametrize("reference", [REFERENCE_LAST, REFERENCE_MARK, REFERENCE_INDEX])
def test_match_070_order_waits_for_the_price_it_names(book: Book, reference: int) -> None:
    assert book.buy(1, 5, 9, trigger=TRIGGER_UP, trigger_ticks=12, reference=reference) == [("pending", 1, 12, 5)]
    assert book.sell(2, 5, 11, trigger=TRIGGER_DOWN, trigger_ticks=8, reference=reference) == [("pending", 2, 8, 5)]
    for other in {REFERENCE_LAST, REFERENCE_MARK, REFERENCE_INDEX} - {reference}:
        assert see(book, 12, other) == []
    assert see(book, 11, reference) == []
    assert see(book, 12, reference) == [("triggered", 1, 12), ("rested", 1, 9, 5, 5)]
    assert see(book, 7, reference) == [("triggered", 2, 7), ("rested", 2, 11, 5, 5)]
    assert book.engine.cancel(2, ANN) == [("cancelled", 2, 5, "user", 11, 0)]


def test_match_071_met_on_entry_triggers_at_once_or_is_refused(book: Book) -> None:
    book.trade(10)
    assert book.buy(1, 5, 9, trigger=TRIGGER_DOWN, trigger_ticks=10) == [("triggered", 1, 10), ("rested", 1, 9, 5, 5)]
    book.open(reject_triggered=True)
    book.trade(10)
    assert book.buy(1, 5, 9, trigger=TRIGGER_UP, trigger_ticks=10) == [("refused", 1, "would_trigger")]


def test_match_072_earlier_price_triggers_first_then_the_entry_number(book: Book) -> None:
    book.sell(1, 1, 10)
    book.sell(2, 1, 11)
    book.buy(3, 1, 1, trigger=TRIGGER_UP, trigger_ticks=11)
    book.buy(4, 1, 2, trigger=TRIGGER_UP, trigger_ticks=10)
    book.buy(5, 1, 3, trigger=TRIGGER_UP, trigger_ticks=9)
    assert book.buy(6, 3, 11) == [
        ("fill", 1, 6, 10, 1, 0, 0), ("fill", 2, 6, 11, 1, 0, 0), ("rested", 6, 11, 1, 1),
        ("triggered", 4, 10), ("rested", 4, 2, 1, 1), ("triggered", 5, 10), ("rested", 5, 3, 1, 1),
        ("triggered", 3, 11), ("rested", 3, 1, 1, 1),
    ]  # fmt: skip


def test_match_073_triggered_orders_trigger_others(book: Book) -> None:
    for order_id, price in ((1, 10), (2, 11), (3, 12)):
        book.sell(order_id, 1, price)
    book.buy(4, 1, 0, order_type=MARKET, trigger=TRIGGER_UP, trigger_ticks=10)
    book.buy(5, 1, 0, order_type=MARKET, trigger=TRIGGER_UP, trigger_ticks=11)
    assert book.buy(6, 1, 10) == [
        ("fill", 1, 6, 10, 1, 0, 0), ("triggered", 4, 10), ("fill", 2, 4, 11, 1, 0, 0),
        ("triggered", 5, 11), ("fill", 3, 5, 12, 1, 0, 0),
    ]  # fmt: skip


def test_match_073_price_of_a_triggered_order_goes_to_the_end_of_the_line(book: Book) -> None:
    for order_id, price in ((1, 10), (2, 11), (3, 12)):
        book.sell(order_id, 1, price)
    book.buy(4, 1, 0, order_type=MARKET, trigger=TRIGGER_UP, trigger_ticks=10)
    book.buy(5, 1, 2, trigger=TRIGGER_UP, trigger_ticks=12)
    book.buy(6, 1, 1, trigger=TRIGGER_UP, trigger_ticks=11)
    events = book.buy(7, 2, 11)
    assert [event[1:] for event in events if event[0] == "triggered"] == [(4, 10), (6, 11), (5, 12)]


def test_match_074_failed_check_cancels_the_triggered_order(book: Book) -> None:
    book.sell(1, 5, 20)
    stop = {"trigger": TRIGGER_UP, "trigger_ticks": 10}
    book.buy(2, 1, 20, post_only=1, **stop)
    book.buy(3, 6, 20, tif=FOK, **stop)
    book.buy(4, 2, 20, tif=IOC, **stop)
    book.sell(5, 1, 0, order_type=MARKET, **stop)
    assert see(book, 10) == [
        ("triggered", 2, 10), ("cancelled", 2, 1, "post_only", 20, -1),
        ("triggered", 3, 10), ("cancelled", 3, 6, "fok", 20, -1),
        ("triggered", 4, 10), ("fill", 1, 4, 20, 2, 3, 3),
        ("triggered", 5, 10), ("cancelled", 5, 1, "no_liquidity", 0, -1),
    ]  # fmt: skip


def test_match_074_order_that_is_gone_is_passed_over(book: Book) -> None:
    stop = {"trigger": TRIGGER_UP, "trigger_ticks": 10}
    book.buy(1, 1, 5, **stop)
    book.buy(2, 1, 6, oco=1, **stop)
    assert see(book, 10) == [("triggered", 1, 10), ("cancelled", 2, 1, "oco", 6, -1), ("rested", 1, 5, 1, 1)]


def test_match_074_turn_that_comes_in_a_call_is_waited_for(book: Book) -> None:
    book.open(dynamic_bps=1_000)
    book.trade(100)
    book.sell(1, 1, 105)
    book.sell(2, 1, 120)
    book.buy(3, 1, 0, order_type=MARKET, trigger=TRIGGER_UP, trigger_ticks=105)
    book.buy(4, 1, 90, trigger=TRIGGER_UP, trigger_ticks=105)
    assert book.buy(5, 1, 105) == [
        ("fill", 1, 5, 105, 1, 0, 0), ("triggered", 3, 105), ("cancelled", 3, 1, "band", 0, -1), ("phase", 0, 3)
    ]  # fmt: skip
    assert book.engine.waiting(0) == [4]
    assert book.engine.set_phase(0, 0) == [("phase", 0, 0), ("triggered", 4, 105), ("rested", 4, 90, 1, 1)]


def test_match_075_trailing_sell_follows_the_highest(book: Book) -> None:
    see(book, 50)
    assert book.sell(1, 1, 60, trail_bps=500) == [("pending", 1, 0, 1)]
    assert [see(book, price) for price in (60, 58)] == [[], []]
    assert see(book, 57) == [("triggered", 1, 57), ("rested", 1, 60, 1, 1)]


def test_match_075_trailing_buy_follows_the_lowest_by_ticks(book: Book) -> None:
    book.buy(1, 1, 20, trail_ticks=3, reference=REFERENCE_MARK)  # no reference yet: the first seen is the extreme
    assert [see(book, price, REFERENCE_MARK) for price in (50, 48, 50)] == [[], [], []]
    assert see(book, 51, REFERENCE_MARK) == [("triggered", 1, 51), ("rested", 1, 20, 1, 1)]


def test_match_076_activation_price_is_the_first_extreme(book: Book) -> None:
    see(book, 90)
    assert book.sell(1, 1, 60, trail_ticks=5, trigger=TRIGGER_UP, trigger_ticks=100) == [("pending", 1, 100, 1)]
    assert [see(book, price) for price in (99, 80, 102)] == [[], [], []]
    assert book.engine.amend(1, ANN, 60, 1, trigger_ticks=90) == [("refused", 1, "trigger_price")]
    assert see(book, 97) == [("triggered", 1, 97), ("rested", 1, 60, 1, 1)]
    assert book.sell(2, 1, 61, trail_ticks=5, trigger=TRIGGER_UP, trigger_ticks=95) == [("pending", 2, 95, 1)]
    assert see(book, 92) == [("triggered", 2, 92), ("rested", 2, 61, 1, 1)]  # met on entry: 97 was the extreme


def test_match_078_bounds(book: Book) -> None:
    book.open(trailing_max=1)
    book.sell(1, 1, 60, trail_ticks=5)
    assert book.sell(2, 1, 60, trail_ticks=5) == [("refused", 2, "trailing_full")]
    assert book.sell(2, 1, 60, trigger=TRIGGER_DOWN, trigger_ticks=5) == [("pending", 2, 5, 1)]


def test_match_079_fill_of_one_cancels_the_other_at_once(book: Book) -> None:
    book.sell(1, 5, 20, display_lots=2)
    assert book.sell(2, 5, 15, trigger=TRIGGER_DOWN, trigger_ticks=15, oco=1) == [("pending", 2, 15, 5)]
    assert book.sell(3, 5, 15, oco=1) == [("refused", 3, "oco_unknown")]  # it has a partner
    assert book.sell(3, 5, 15, owner=BOB, oco=2) == [("refused", 3, "oco_unknown")]
    assert book.buy(4, 3, 20) == [
        ("fill", 1, 4, 20, 2, 3, 0), ("refreshed", 1, 20, 2, 2), ("cancelled", 2, 5, "oco", 15, -1),
        ("fill", 1, 4, 20, 1, 2, 1),
    ]  # fmt: skip
    book.buy(5, 1, 10, owner=ANN)
    assert book.buy(6, 1, 20, owner=ANN, oco=5, stp=STP_NONE)[:2] == [
        ("fill", 1, 6, 20, 1, 1, 0), ("refreshed", 1, 20, 1, 1)
    ]  # fmt: skip
    assert book.engine.order(5) is None  # a taker's fill counts too


def test_match_079_cancelled_otherwise_the_partner_stays(book: Book) -> None:
    book.sell(1, 5, 20)
    book.sell(2, 5, 21, oco=1)
    book.engine.cancel(2, ANN)
    assert book.sell(3, 5, 22, oco=1) == [("rested", 3, 22, 5, 5)]


def test_match_047_amending_what_waits(book: Book) -> None:
    see(book, 10)
    book.buy(1, 5, 9, trigger=TRIGGER_UP, trigger_ticks=12)
    assert book.engine.amend(1, CID, 8, 7) == [("pending", 1, 12, 7)]
    assert book.engine.amend(1, CID, 8, 7, trigger_ticks=13) == [("pending", 1, 13, 7)]
    assert book.engine.order(1) == (0, CID, 0, 8, 7, 0)
    assert book.engine.amend(1, CID, 8, 7, trigger_ticks=-1) == [("refused", 1, "trigger_price")]
    assert book.engine.amend(1, CID, 8, 7, trigger_ticks=10) == [("triggered", 1, 10), ("rested", 1, 8, 7, 7)]
    book.sell(2, 5, 0, order_type=MARKET, trigger=TRIGGER_DOWN, trigger_ticks=5)
    assert book.engine.amend(2, ANN, 77, 0) == [("cancelled", 2, 5, "amend_total", 0, -1)]
