"""Goal: the worked numbers of docs/rules/MATCH.md are what both engines do.

Method: one test per rule code, named after it; each plays the text's example and compares the complete events of the
command the example is about.
"""

import hashlib
import struct
from typing import Any

import pytest

from domain.book_rules import BookRules
from domain.constants import (
    BUY,
    FOK,
    IOC,
    MARKET,
    SELL,
    STP_CANCEL_BOTH,
    STP_CANCEL_NEWEST,
    STP_CANCEL_OLDEST,
)
from tests.engines import ENGINE_NAMES, Engine, Event, engine_class

ANN, BOB, CID = 1, 2, 3


class Book:
    """Book 0 of one engine, most of the time alone; orders are numbered by the test."""

    def __init__(self, engine_name: str) -> None:
        self._name = engine_name
        self.engine: Engine = self.open()

    def open(self, *, orders_max: int = 64, trailing_max: int = 8, pegs_max: int = 8, **rules: Any) -> Engine:
        """Start afresh with other rules; books 1 and 2 have the same, 8 is free for a combo."""
        self.engine = engine_class(self._name)(
            orders_max=orders_max, books_max=9, trailing_max=trailing_max, pegs_max=pegs_max
        )
        for number in range(3):
            self.engine.add_book(number, BookRules(**rules))
        return self.engine

    def sell(self, order_id: int, lots: int, price: int, owner: int = ANN, **options: Any) -> list[Event]:
        return self.engine.submit(0, order_id, owner, SELL, price, lots, **options)

    def buy(self, order_id: int, lots: int, price: int, owner: int = CID, **options: Any) -> list[Event]:
        return self.engine.submit(0, order_id, owner, BUY, price, lots, **options)

    def trade(self, price: int, *, first_id: int = 900) -> None:
        """One lot of nobody's trades at a price that nothing better stands in the way of."""
        self.sell(first_id, 1, price, owner=0)
        self.buy(first_id + 1, 1, price, owner=0)


@pytest.fixture(params=ENGINE_NAMES)
def book(request: pytest.FixtureRequest) -> Book:
    return Book(request.param)


def reasons(events: list[Event]) -> list[str]:
    return [event[2] for event in events if event[0] == "refused"]


def test_match_001_best_price_then_oldest_order_trades_first(book: Book) -> None:
    book.sell(1, 5, 10)
    book.sell(2, 5, 10)
    book.sell(3, 5, 9)
    assert book.buy(4, 7, 10) == [("fill", 3, 4, 9, 5, 0, 0), ("fill", 1, 4, 10, 2, 3, 8)]
    assert book.buy(5, 4, 10) == [("fill", 1, 5, 10, 3, 0, 5), ("fill", 2, 5, 10, 1, 4, 4)]  # MATCH-003


def test_match_002_trade_is_at_the_resting_price(book: Book) -> None:
    book.buy(1, 8, 43_212)
    assert book.sell(2, 1, 43_000) == [("fill", 1, 2, 43_212, 1, 7, 7)]


def test_match_005_remainder_rests_at_its_limit(book: Book) -> None:
    book.sell(1, 2, 10)
    assert book.buy(2, 5, 11) == [("fill", 1, 2, 10, 2, 0, 0), ("rested", 2, 11, 3, 3)]


def test_match_011_immediate_order_cancels_what_it_cannot_trade(book: Book) -> None:
    book.sell(1, 2, 10)
    assert book.buy(2, 5, 10, tif=IOC) == [("fill", 1, 2, 10, 2, 0, 0), ("cancelled", 2, 3, "ioc", 10, -1)]
    assert book.buy(3, 5, 10, tif=IOC) == [("cancelled", 3, 5, "ioc", 10, -1)]


def test_match_012_market_order_without_liquidity_is_cancelled(book: Book) -> None:
    assert book.buy(1, 5, 0, order_type=MARKET) == [("cancelled", 1, 5, "no_liquidity", 0, -1)]
    assert book.buy(1, 5, 0, order_type=MARKET, post_only=True) == [("cancelled", 1, 5, "no_liquidity", 0, -1)]


def test_match_013_fill_or_kill_is_judged_on_the_sum(book: Book) -> None:
    book.sell(1, 3, 10)
    book.sell(2, 3, 11)
    assert book.buy(3, 7, 11, tif=FOK) == [("cancelled", 3, 7, "fok", 11, -1)]
    assert book.buy(4, 4, 10, tif=FOK) == [("cancelled", 4, 4, "fok", 10, -1)]
    assert book.buy(5, 6, 11, tif=FOK) == [("fill", 1, 5, 10, 3, 0, 0), ("fill", 2, 5, 11, 3, 0, 0)]


def test_match_016_post_only_order_never_takes(book: Book) -> None:
    book.sell(1, 5, 10, owner=CID)
    assert book.buy(2, 2, 10, post_only=True) == [("refused", 2, "post_only_cross")]  # also when it is his own
    assert book.buy(3, 2, 9, post_only=True) == [("rested", 3, 9, 2, 2)]
    assert book.buy(4, 2, 0, order_type=MARKET, post_only=True) == [("refused", 4, "post_only_cross")]


def test_match_020_to_024_checks_come_in_their_order(book: Book) -> None:
    book.open(price_step_ticks=5, lot_step=100, lots_max=1_000, band_low_ticks=270, band_high_ticks=330)
    assert reasons(book.buy(1, 0, 299)) == ["lots_range"]
    assert reasons(book.buy(1, 1_100, 299)) == ["lots_range"]
    assert reasons(book.buy(1, 850, 299)) == ["lot_step"]
    assert reasons(book.buy(1, 800, 269)) == ["price_step"]
    assert reasons(book.buy(1, 800, 265)) == ["price_band"]
    assert reasons(book.buy(1, 800, 335)) == ["price_band"]
    assert book.buy(1, 800, 270) == [("rested", 1, 270, 800, 800)]
    assert reasons(book.buy(1, 850, 299)) == ["duplicate_id"]
    assert book.engine.submit(7, 1, CID, BUY, 299, 0) == [("refused", 1, "no_book")]


def test_match_025_protection_rounds_towards_the_best_price(book: Book) -> None:
    book.open(protection_bps=150)
    for order_id, price in ((1, 101), (2, 102), (3, 103)):
        book.sell(order_id, 1, price)
    for order_id, price in ((4, 99), (5, 98), (6, 97)):
        book.buy(order_id, 1, price, owner=ANN)
    assert book.buy(7, 9, 0, order_type=MARKET) == [
        ("fill", 1, 7, 101, 1, 0, 0), ("fill", 2, 7, 102, 1, 0, 0), ("cancelled", 7, 7, "protection", 102, -1),
    ]  # fmt: skip
    assert book.sell(8, 9, 0, owner=CID, order_type=MARKET) == [
        ("fill", 4, 8, 99, 1, 0, 0), ("fill", 5, 8, 98, 1, 0, 0), ("cancelled", 8, 7, "protection", 98, -1),
    ]  # fmt: skip


def test_match_026_protection_in_ticks_wins_and_exhaustion_is_no_liquidity(book: Book) -> None:
    book.open(protection_bps=150, protection_ticks=3)
    book.sell(1, 1, 20)
    book.sell(2, 1, 23)
    assert book.buy(3, 9, 0, order_type=MARKET, tif=IOC) == [
        ("fill", 1, 3, 20, 1, 0, 0), ("fill", 2, 3, 23, 1, 0, 0), ("cancelled", 3, 7, "no_liquidity", 23, -1),
    ]  # fmt: skip


def test_match_028_full_pool_refuses_only_what_could_rest(book: Book) -> None:
    book.open(orders_max=2)
    book.sell(1, 1, 10)
    book.sell(2, 1, 10)
    assert book.buy(3, 1, 10) == [("refused", 3, "book_full")]
    assert book.buy(4, 1, 10, tif=IOC) == [("fill", 1, 4, 10, 1, 0, 1)]
    assert book.buy(5, 1, 9) == [("rested", 5, 9, 1, 1)]


def sell_ann_bob_ann(book: Book) -> None:
    book.sell(1, 3, 10, owner=ANN)
    book.sell(2, 4, 10, owner=BOB)
    book.sell(3, 5, 10, owner=ANN)


def test_match_032_cancel_newest_stops_at_the_first_own_order(book: Book) -> None:
    sell_ann_bob_ann(book)
    assert book.buy(4, 9, 10, owner=BOB) == [("fill", 1, 4, 10, 3, 0, 9), ("cancelled", 4, 6, "stp", 10, -1)]


def test_match_033_cancel_oldest_removes_own_orders_and_goes_on(book: Book) -> None:
    sell_ann_bob_ann(book)
    assert book.buy(4, 9, 10, owner=BOB, stp=STP_CANCEL_OLDEST) == [
        ("fill", 1, 4, 10, 3, 0, 9), ("cancelled", 2, 4, "stp", 10, 5), ("fill", 3, 4, 10, 5, 0, 0),
        ("rested", 4, 10, 1, 1),
    ]  # fmt: skip


def test_match_034_cancel_both_ends_both(book: Book) -> None:
    sell_ann_bob_ann(book)
    assert book.buy(4, 9, 10, owner=BOB, stp=STP_CANCEL_BOTH) == [
        ("fill", 1, 4, 10, 3, 0, 9), ("cancelled", 2, 4, "stp", 10, 5), ("cancelled", 4, 6, "stp", 10, -1),
    ]  # fmt: skip


@pytest.mark.parametrize("mode", [STP_CANCEL_NEWEST, STP_CANCEL_BOTH, STP_CANCEL_OLDEST])
def test_match_035_fill_or_kill_counts_what_it_could_really_fill(book: Book, mode: int) -> None:
    book.sell(1, 5, 10, owner=ANN)
    book.sell(2, 1, 10, owner=BOB)
    book.sell(3, 5, 10, owner=ANN)
    events = book.buy(4, 10, 10, owner=BOB, tif=FOK, stp=mode)
    if mode == STP_CANCEL_OLDEST:
        assert events == [
            ("fill", 1, 4, 10, 5, 0, 6), ("cancelled", 2, 1, "stp", 10, 5), ("fill", 3, 4, 10, 5, 0, 0)
        ]  # fmt: skip
    else:
        assert events == [("cancelled", 4, 10, "fok", 10, -1)]
        assert book.engine.depth(0, 5) == ([], [(10, 11)])


def test_match_040_amend_states_the_total(book: Book) -> None:
    book.buy(1, 100, 10)
    book.sell(2, 20, 10)
    assert book.engine.amend(1, CID, 10, 150) == [
        ("cancelled", 1, 80, "amend_replace", 10, 0), ("rested", 1, 10, 130, 130)
    ]  # fmt: skip
    assert book.engine.order(1) == (0, CID, BUY, 10, 130, 20)


def test_match_041_no_increase_at_the_same_price_keeps_the_place(book: Book) -> None:
    for order_id, lots in ((1, 100), (2, 550), (3, 400)):
        book.buy(order_id, lots, 10)
    assert book.engine.amend(2, CID, 10, 500) == [("amended", 2, 10, 500, 1_000)]
    assert book.engine.amend(1, CID, 10, 100) == [("amended", 1, 10, 100, 1_000)]
    fills = book.sell(4, 700, 10)
    assert [event[1] for event in fills] == [1, 2, 3]


def test_match_042_other_amends_are_fresh_orders(book: Book) -> None:
    book.buy(1, 120, 1_250)
    book.buy(2, 10, 1_250)
    book.sell(3, 300, 1_253)
    assert book.engine.amend(1, CID, 1_250, 150) == [
        ("cancelled", 1, 120, "amend_replace", 1_250, 10), ("rested", 1, 1_250, 150, 160)
    ]  # fmt: skip
    assert book.engine.amend(1, CID, 1_253, 150) == [
        ("cancelled", 1, 150, "amend_replace", 1_250, 10), ("fill", 3, 1, 1_253, 150, 150, 150)
    ]  # fmt: skip


def test_match_043_total_at_or_below_the_fills_cancels(book: Book) -> None:
    book.sell(1, 300, 10)
    book.buy(2, 200, 10)
    assert book.engine.amend(1, ANN, 10, 150) == [("cancelled", 1, 100, "amend_total", 10, 0)]


def test_match_044_and_045_refused_amend_leaves_order_and_place(book: Book) -> None:
    book.open(lot_step=2, lots_max=20, price_step_ticks=2, band_high_ticks=20)
    book.sell(1, 4, 12)
    book.buy(2, 4, 10, post_only=True)
    book.buy(3, 4, 10)
    for owner, price, total, reason in (
        (ANN, 10, 4, "unknown_order"), (CID, 11, -2, "lots_range"), (CID, 11, 22, "lots_range"),
        (CID, 11, 3, "lot_step"), (CID, 11, 4, "price_step"), (CID, 22, 0, "price_band"),
        (CID, 12, 4, "post_only_cross"),
    ):  # fmt: skip
        assert book.engine.amend(2, owner, price, total) == [("refused", 2, reason)]
    assert book.sell(4, 4, 10) == [("fill", 2, 4, 10, 4, 0, 4)]


def test_match_046_amend_into_an_own_order_is_prevented(book: Book) -> None:
    book.sell(1, 5, 12, owner=CID)
    book.buy(2, 5, 10)
    assert book.engine.amend(2, CID, 12, 5) == [
        ("cancelled", 2, 5, "amend_replace", 10, 0), ("cancelled", 2, 5, "stp", 12, -1)
    ]  # fmt: skip


def test_match_050_what_is_gone_or_foreign_is_unknown(book: Book) -> None:
    book.buy(1, 5, 10)
    assert book.engine.cancel(1, ANN) == [("refused", 1, "unknown_order")]
    assert book.engine.cancel(1, CID) == [("cancelled", 1, 5, "user", 10, 0)]
    assert book.engine.cancel(1, CID) == [("refused", 1, "unknown_order")]


def test_match_052_all_of_an_owner_go_in_entry_order(book: Book) -> None:
    book.buy(9, 5, 10)
    book.sell(1, 5, 20, owner=CID)
    book.buy(5, 5, 11)
    book.buy(6, 5, 11, owner=0)
    book.engine.amend(9, CID, 11, 5)
    assert [event[1] for event in book.engine.cancel_owner(CID)] == [9, 1, 5]
    assert book.engine.cancel_owner(0) == []
    assert book.engine.order(6) is not None


def test_match_060_digest_is_over_resting_orders_in_queue_order(book: Book) -> None:
    assert book.engine.state_digest() == "cae66941d9efbd404e4d88758ea67670"  # of nothing
    book.sell(7, 5, 12)
    book.buy(9, 5, 10)
    book.buy(1, 5, 10)
    book.buy(2, 6, 11)
    book.sell(3, 2, 11)
    records = [(0, BUY, 11, 2, CID, 4, 2, 4), (0, BUY, 10, 9, CID, 5, 0, 5),
               (0, BUY, 10, 1, CID, 5, 0, 5), (0, SELL, 12, 7, ANN, 5, 0, 5)]  # fmt: skip
    packed = b"".join(struct.pack("<IBqQIqqq", *record) for record in records)
    assert book.engine.state_digest() == hashlib.blake2b(packed, digest_size=16).hexdigest()


def test_match_062_last_price_is_that_of_the_latest_trade(book: Book) -> None:
    assert book.engine.last_price(0) is None
    book.sell(1, 5, 10)
    book.buy(2, 5, 12)
    assert book.engine.last_price(0) == 10
