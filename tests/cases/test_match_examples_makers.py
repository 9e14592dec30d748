"""Goal: the worked numbers of docs/rules/MATCH.md for quotes, market maker protection and combos are what both engines
do.

Method: as in test_match_examples.py. The spread is book 8: book 0 (front) for, book 1 (back) against.
"""

from typing import Any

import pytest

from domain.book_rules import BookRules
from domain.constants import BUY, FOK, MARKET, PHASE_HALT, POST_ONLY_SLIDE, SELL, STP_NONE, TRIGGER_DOWN, TRIGGER_UP
from tests.cases.test_match_examples import ANN, BOB, CID, Book
from tests.engines import ENGINE_NAMES, Event

DAN, EVE = 4, 5
FRONT, BACK, SPREAD = 0, 1, 8


@pytest.fixture(params=ENGINE_NAMES)
def book(request: pytest.FixtureRequest) -> Book:
    return Book(request.param)


@pytest.fixture
def spread(book: Book) -> Book:
    """Books 0 and 1 and the spread between them."""
    rules = BookRules(price_bias_ticks=1_000_000, band_low_ticks=900_000, band_high_ticks=1_100_000)
    book.engine.add_combo(SPREAD, rules, ((FRONT, 1), (BACK, -1)))
    return book


def enter(
    book: Book, number: int, order_id: int, owner: int, side: int, lots: int, price: int, **options: Any
) -> list[Event]:
    return book.engine.submit(number, order_id, owner, side, price, lots, **options)


# ---- quotes and protection -------------------------------------------------------------------------------------


def test_match_100_quoting_again_replaces(book: Book) -> None:
    def quote(order_id: int, price: int, lots: int, **options: int) -> list[Event]:
        return book.engine.quote(ANN, 1, 0, BUY, order_id, price, lots, **options)

    assert quote(1, 10, 5) == [("rested", 1, 10, 5, 5)]
    book.buy(2, 5, 10)
    assert quote(3, 10, 5) == [("amended", 1, 10, 5, 10)]
    assert quote(3, 10, 4) == [("amended", 1, 10, 4, 9)]
    assert quote(3, 10, 6) == [("cancelled", 1, 4, "amend_replace", 10, 5), ("rested", 1, 10, 6, 11)]
    assert quote(3, 0, 6) == [("refused", 3, "price_band")]
    assert book.engine.order(1) == (0, ANN, BUY, 10, 6, 0)
    book.sell(4, 7, 10, owner=BOB)
    assert quote(3, 10, 4) == [("amended", 1, 10, 4, 4)]  # 2 filled and 4 open
    assert quote(3, 0, 0) == [("cancelled", 1, 4, "user", 10, 0)]
    assert quote(3, 10, 0) == [("refused", 3, "lots_range")]
    assert quote(3, 9, 1) == [("rested", 3, 9, 1, 1)]
    assert book.engine.quote(ANN, 2, 0, BUY, 5, 9, 1) == [("rested", 5, 9, 1, 2)]  # another set


def test_match_102_fills_above_a_limit_cancel_the_group(book: Book) -> None:
    book.engine.set_mmp(ANN, 1, lots=10, window=100, frozen=30)
    book.engine.set_now(7)
    book.sell(1, 6, 10, mmp=1)
    book.sell(2, 14, 11, mmp=1)
    book.sell(3, 5, 12)
    book.buy(4, 1, 5, owner=ANN, mmp=1, trigger=TRIGGER_UP, trigger_ticks=90)
    assert book.buy(5, 11, 12) == [
        ("fill", 1, 5, 10, 6, 0, 0), ("fill", 2, 5, 11, 5, 9, 9), ("mmp", ANN, 1, 37),
        ("cancelled", 2, 9, "mmp", 11, 0), ("cancelled", 4, 1, "mmp", 5, -1),
    ]  # fmt: skip


def test_match_102_signed_sums_and_a_takers_rest(book: Book) -> None:
    book.engine.set_mmp(CID, 2, delta=6, vega=20, window=100)
    book.engine.set_greeks(0, -2, 5)
    book.sell(1, 2, 10)
    book.buy(2, 5, 9, owner=ANN)
    assert book.buy(3, 2, 10, mmp=2) == [("fill", 1, 3, 10, 2, 0, 0)]  # delta -4, vega 10
    assert book.sell(4, 1, 9, owner=CID, mmp=2) == [("fill", 2, 4, 9, 1, 4, 4)]  # delta -2, vega 5
    book.sell(5, 4, 10)
    book.sell(6, 4, 11)
    assert book.buy(7, 9, 11, mmp=2) == [
        ("fill", 5, 7, 10, 4, 0, 0), ("mmp", CID, 2, 0), ("cancelled", 7, 5, "mmp", 11, -1)
    ]  # fmt: skip


def test_match_102_window_rolls(book: Book) -> None:
    book.engine.set_mmp(ANN, 1, lots=10, window=5)
    book.sell(1, 30, 10, mmp=1)
    book.buy(2, 6, 10)
    book.engine.set_now(4)
    book.buy(3, 4, 10)
    book.engine.set_now(5)  # the six of time 0 are out
    assert book.buy(4, 6, 10) == [("fill", 1, 4, 10, 6, 14, 14)]
    assert book.buy(5, 1, 10)[1] == ("mmp", ANN, 1, 0)


def test_match_103_frozen_until_the_time_or_a_reset(book: Book) -> None:
    book.engine.set_mmp(ANN, 1, lots=1, window=100, frozen=10)
    book.sell(1, 2, 10, mmp=1)
    book.buy(2, 2, 10)
    assert book.sell(3, 2, 10, mmp=1) == [("refused", 3, "mmp_frozen")]
    assert book.engine.quote(ANN, 1, 0, SELL, 3, 10, 1, mmp=1) == [("refused", 3, "mmp_frozen")]
    assert book.sell(3, 2, 10, mmp=2) == [("refused", 3, "mmp_unknown")]
    book.engine.set_now(10)
    assert book.sell(3, 1, 10, mmp=1) == [("rested", 3, 10, 1, 1)]
    assert book.buy(4, 1, 10) == [("fill", 3, 4, 10, 1, 0, 0)]  # the sums began at nothing
    book.sell(5, 1, 10, mmp=1)
    book.buy(6, 1, 10)
    assert book.sell(7, 1, 10, mmp=1) == [("refused", 7, "mmp_frozen")]
    book.engine.reset_mmp(ANN, 1)
    assert book.sell(7, 1, 10, mmp=1) == [("rested", 7, 10, 1, 1)]


def test_match_104_memory_is_64_fills(book: Book) -> None:
    book.engine.set_mmp(ANN, 1, lots=64, window=10)
    book.sell(1, 100, 10, mmp=1)
    book.buy(2, 1, 10)
    book.engine.set_now(1)
    for number in range(63):
        book.buy(3 + number, 1, 10)
    assert book.buy(66, 1, 10)[1] == ("mmp", ANN, 1, 0)  # 65 within the window

    book.engine.set_mmp(BOB, 1, lots=65, window=10)
    book.sell(100, 200, 10, owner=BOB, mmp=1)
    book.buy(101, 1, 10)
    book.engine.set_now(5)
    for number in range(64):  # the fill of time 1 is merged into the first of time 5
        book.buy(102 + number, 1, 10)
    book.engine.set_now(11)
    assert book.buy(200, 1, 10)[1] == ("mmp", BOB, 1, 0)  # 66: the one of time 1 still counts


# ---- combos ----------------------------------------------------------------------------------------------------


def test_match_110_outside_prices_may_be_negative(spread: Book) -> None:
    assert enter(spread, SPREAD, 1, ANN, BUY, 5, -1_350) == [("rested", 1, -1_350, 5, 5)]
    assert enter(spread, SPREAD, 2, ANN, SELL, 5, 0) == [("rested", 2, 0, 5, 5)]
    assert spread.engine.best(SPREAD) == (-1_350, 0)
    assert enter(spread, SPREAD, 3, BOB, SELL, 2, -1_350) == [("fill", 1, 3, -1_350, 2, 3, 3)]
    assert spread.engine.last_price(SPREAD) == -1_350
    assert spread.engine.cancel_owner(ANN, low=-2_000, high=-1) == [("cancelled", 1, 3, "user", -1_350, 0)]
    for options in ({"order_type": MARKET}, {"peg": 1}, {"tif": FOK, "budget": 5}):
        assert enter(spread, SPREAD, 4, ANN, BUY, 5, 0, **options) == [("refused", 4, "bad_order")]
    assert enter(spread, SPREAD, 4, ANN, BUY, 5, -100_001) == [("refused", 4, "price_band")]
    assert enter(spread, SPREAD, 4, BOB, BUY, 5, 7, trigger=TRIGGER_DOWN, trigger_ticks=-1_350) == [
        ("triggered", 4, -1_350), ("fill", 2, 4, 0, 5, 0, 0)
    ]  # fmt: skip


def test_match_111_implied_in(spread: Book) -> None:
    enter(spread, FRONT, 1, ANN, BUY, 15, 74_150)
    enter(spread, BACK, 2, BOB, SELL, 10, 75_500)
    assert spread.engine.implied(SPREAD) == ((-1_350, 10), None)
    assert enter(spread, SPREAD, 3, CID, SELL, 12, -1_350) == [
        ("implied", 3, SPREAD, -1_350, 10, 2), ("fill", 1, 3, 74_150, 10, 5, 5), ("fill", 2, 3, 75_500, 10, 0, 0),
        ("rested", 3, -1_350, 2, 2),
    ]  # fmt: skip
    assert [spread.engine.last_price(number) for number in (FRONT, BACK, SPREAD)] == [74_150, 75_500, -1_350]


def test_match_112_implied_out(spread: Book) -> None:
    enter(spread, FRONT, 1, ANN, BUY, 15, 74_150)
    enter(spread, SPREAD, 2, BOB, SELL, 10, -1_350)
    assert spread.engine.implied(BACK) == ((75_500, 10), None)
    assert enter(spread, BACK, 3, CID, SELL, 4, 75_000) == [
        ("implied", 3, SPREAD, 75_500, 4, 0), ("fill", 2, 3, -1_350, 4, 6, 6), ("fill", 1, 3, 74_150, 4, 11, 11)
    ]  # fmt: skip
    enter(spread, BACK, 4, CID, SELL, 3, 75_600)
    assert spread.engine.implied(FRONT) == (None, (74_250, 3))  # spread ask + back ask


def test_match_112_strip(book: Book) -> None:
    book.engine.add_combo(SPREAD, BookRules(), ((0, 1), (1, 1), (2, 1)))
    enter(book, SPREAD, 1, ANN, BUY, 5, 60)
    enter(book, 0, 2, BOB, SELL, 5, 18)
    enter(book, 1, 3, CID, SELL, 4, 20)
    assert book.engine.implied(2) == ((22, 4), None)
    assert enter(book, 2, 4, DAN, SELL, 4, 22) == [
        ("implied", 4, SPREAD, 22, 4, 0), ("fill", 1, 4, 60, 4, 1, 1), ("fill", 2, 4, 18, 4, 1, 1),
        ("fill", 3, 4, 20, 4, 0, 0),
    ]  # fmt: skip


def test_match_113_only_while_all_books_are_continuous_and_within_the_band(book: Book) -> None:
    rules = BookRules(price_bias_ticks=100, band_low_ticks=95, band_high_ticks=105)
    book.engine.add_combo(SPREAD, rules, ((FRONT, 1), (BACK, -1)))
    enter(book, FRONT, 1, ANN, BUY, 5, 20)
    enter(book, BACK, 2, BOB, SELL, 5, 14)
    assert book.engine.implied(SPREAD) == (None, None)  # 6 is outside
    enter(book, BACK, 3, BOB, BUY, 5, 13)
    enter(book, FRONT, 4, ANN, SELL, 2, 21)
    assert book.engine.implied(SPREAD) == (None, None)
    enter(book, FRONT, 5, ANN, BUY, 5, 19)
    book.engine.cancel(1, ANN)
    assert book.engine.implied(SPREAD) == ((5, 5), None)
    book.engine.set_phase(BACK, PHASE_HALT)
    assert book.engine.implied(SPREAD) == (None, None)


def test_match_114_direct_orders_first_at_equal_prices(spread: Book) -> None:
    enter(spread, FRONT, 1, ANN, BUY, 15, 100)
    enter(spread, SPREAD, 2, BOB, SELL, 10, -10)  # back bid 110
    enter(spread, BACK, 3, DAN, BUY, 1, 110)
    enter(spread, BACK, 4, DAN, BUY, 5, 109, display_lots=2)
    assert enter(spread, BACK, 5, CID, SELL, 10, 110, tif=FOK) == [("cancelled", 5, 10, "fok", 110, -1)]
    assert enter(spread, BACK, 6, CID, SELL, 13, 0, order_type=MARKET) == [
        ("fill", 3, 6, 110, 1, 0, 0), ("implied", 6, SPREAD, 110, 10, 2), ("fill", 2, 6, -10, 10, 0, 0),
        ("fill", 1, 6, 100, 10, 5, 5), ("fill", 4, 6, 109, 2, 3, 0), ("refreshed", 4, 109, 2, 2),
    ]  # fmt: skip


def test_match_114_step_trades_the_shown_lots_of_first_orders(spread: Book) -> None:
    enter(spread, FRONT, 1, ANN, BUY, 3, 100, display_lots=2)
    enter(spread, SPREAD, 2, BOB, SELL, 10, -10)
    assert enter(spread, BACK, 3, CID, SELL, 5, 110) == [
        ("implied", 3, SPREAD, 110, 2, 3), ("fill", 2, 3, -10, 2, 8, 8), ("fill", 1, 3, 100, 2, 1, 0),
        ("refreshed", 1, 100, 1, 1), ("implied", 3, SPREAD, 110, 1, 2), ("fill", 2, 3, -10, 1, 7, 7),
        ("fill", 1, 3, 100, 1, 0, 0), ("rested", 3, 110, 2, 2),
    ]  # fmt: skip


def test_match_115_nobody_meets_himself(spread: Book) -> None:
    enter(spread, FRONT, 1, ANN, BUY, 3, 100)
    enter(spread, SPREAD, 2, BOB, SELL, 10, -10)
    assert enter(spread, BACK, 3, BOB, SELL, 5, 110, stp=STP_NONE) == [("rested", 3, 110, 5, 5)]
    spread.engine.set_group(ANN, 1)
    spread.engine.set_group(BOB, 1)
    assert spread.engine.implied(BACK) == (None, None)


def test_match_116_post_only_looks_at_implied_prices(spread: Book) -> None:
    enter(spread, FRONT, 1, ANN, BUY, 3, 100)
    enter(spread, SPREAD, 2, BOB, SELL, 10, -10)
    assert enter(spread, BACK, 3, EVE, SELL, 5, 110, post_only=1) == [("refused", 3, "post_only_cross")]
    assert enter(spread, BACK, 3, EVE, SELL, 5, 105, post_only=POST_ONLY_SLIDE) == [("rested", 3, 111, 5, 5)]
