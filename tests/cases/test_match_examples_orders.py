"""Goal: the worked numbers of docs/rules/MATCH.md for kinds, checks, prevention, bands and icebergs are what both
engines do.

Method: as in test_match_examples.py, for the rules of the complete book that concern one order entering or changing.
"""

from typing import Any

import pytest

from domain.constants import (
    FOK,
    GFA,
    IOC,
    MARKET,
    MARKET_TO_LIMIT,
    PEG_ASK,
    PEG_BID,
    POST_ONLY_SLIDE,
    SELL,
    STP_CANCEL_NEWEST,
    STP_DECREMENT,
    STP_NONE,
    TRIGGER_UP,
)
from tests.cases.test_match_examples import ANN, BOB, CID, Book, reasons
from tests.engines import ENGINE_NAMES


@pytest.fixture(params=ENGINE_NAMES)
def book(request: pytest.FixtureRequest) -> Book:
    return Book(request.param)


def test_match_014_market_to_limit_rests_at_the_best_price_it_met(book: Book) -> None:
    assert book.buy(1, 3, 0, order_type=MARKET_TO_LIMIT) == [("cancelled", 1, 3, "no_liquidity", 0, -1)]
    book.sell(2, 2, 10)
    book.sell(3, 5, 11)
    assert book.buy(4, 3, 0, order_type=MARKET_TO_LIMIT) == [("fill", 2, 4, 10, 2, 0, 0), ("rested", 4, 10, 1, 1)]
    assert book.buy(5, 9, 0, order_type=MARKET_TO_LIMIT, tif=IOC) == [
        ("fill", 3, 5, 11, 5, 0, 0), ("cancelled", 5, 4, "ioc", 11, -1)
    ]  # fmt: skip


def test_match_015_budget_bounds_each_fill_of_a_market_order(book: Book) -> None:
    book.sell(1, 10, 110)
    book.sell(2, 10, 120)
    assert book.buy(3, 20, 0, order_type=MARKET, budget=550) == [
        ("fill", 1, 3, 110, 5, 5, 5), ("cancelled", 3, 15, "budget", 0, -1)
    ]  # fmt: skip
    assert book.buy(4, 6, 120, tif=FOK, budget=669) == [("cancelled", 4, 6, "fok", 120, -1)]
    assert book.buy(5, 6, 120, tif=FOK, budget=670) == [("fill", 1, 5, 110, 5, 0, 0), ("fill", 2, 5, 120, 1, 9, 9)]
    book.buy(6, 5, 100)
    assert book.sell(7, 2, 90, tif=FOK, budget=201) == [("cancelled", 7, 2, "fok", 90, -1)]
    assert book.sell(8, 2, 90, tif=FOK, budget=200) == [("fill", 6, 8, 100, 2, 3, 3)]


def test_match_015_budget_is_rounded_to_the_lot_step(book: Book) -> None:
    book.open(lot_step=2)
    book.sell(1, 10, 100)
    assert book.buy(2, 10, 0, order_type=MARKET, budget=599) == [
        ("fill", 1, 2, 100, 4, 6, 6), ("cancelled", 2, 6, "budget", 0, -1)
    ]  # fmt: skip


def test_match_017_post_only_slides_to_the_best_price_that_does_not_trade(book: Book) -> None:
    book.open(tick_table=((10, 5),), band_low_ticks=5)
    book.sell(1, 5, 10)
    assert book.buy(2, 2, 15, post_only=POST_ONLY_SLIDE) == [("rested", 2, 9, 2, 2)]
    assert book.sell(3, 2, 5, post_only=POST_ONLY_SLIDE) == [("rested", 3, 10, 2, 7)]
    book.sell(4, 1, 5, owner=0)
    assert book.engine.best(0) == (9, 10)  # order 4 traded
    book.engine.cancel(2, CID)
    book.sell(5, 1, 5)
    assert book.buy(6, 2, 10, post_only=POST_ONLY_SLIDE) == [("refused", 6, "post_only_cross")]  # below the band


def test_match_018_good_for_auction_is_for_auctions(book: Book) -> None:
    assert book.buy(1, 5, 10, tif=GFA) == [("refused", 1, "phase")]
    book.engine.set_phase(0, 2)
    assert book.buy(1, 5, 10, tif=GFA) == [("rested", 1, 10, 5, 5)]
    assert book.buy(2, 5, 0, order_type=MARKET) == [("rested", 2, 2**27 - 1, 5, 5)]
    assert book.engine.set_phase(0, 0) == [
        ("phase", 0, 0), ("cancelled", 1, 5, "auction_end", 10, 0), ("cancelled", 2, 5, "auction_end", 2**27 - 1, 0)
    ]  # fmt: skip


@pytest.mark.parametrize(
    "options",
    [
        {"display_lots": -1}, {"budget": -1}, {"trail_ticks": -1}, {"budget": 5}, {"trail_ticks": 1, "trail_bps": 1},
        {"trail_bps": 10_000}, {"trigger_ticks": 5}, {"trigger": 1}, {"display_lots": 2, "tif": IOC},
        {"display_lots": 2, "order_type": MARKET}, {"peg": PEG_BID, "post_only": 1}, {"peg": PEG_BID, "tif": IOC},
        {"peg": PEG_BID, "display_lots": 2}, {"peg": PEG_BID, "oco": 1}, {"peg": PEG_BID, "order_type": MARKET},
    ],
)  # fmt: skip
def test_match_024_fields_that_do_not_go_together(book: Book, options: dict[str, Any]) -> None:
    assert book.buy(1, 0, 0, **options) == [("refused", 1, "bad_order")]


def test_match_024_first_failing_check_answers(book: Book) -> None:
    book.open(
        lot_step=2, lots_max=4_000, price_step_ticks=5, band_low_ticks=10, band_high_ticks=200, notional_max=9_000
    )  # fmt: skip
    book.engine.set_mmp(CID, 1, window=10)
    options = {"display_lots": 3, "trigger": TRIGGER_UP, "trigger_ticks": 5, "oco": 7, "mmp": 2}
    assert reasons(book.buy(1, 3_000, 203, **options)) == ["lot_step"]
    assert reasons(book.buy(1, 3_000, 203, **options | {"display_lots": 2})) == ["display_range"]
    assert reasons(book.buy(1, 3_000, 203, **options | {"display_lots": 3_002})) == ["display_range"]
    options["display_lots"] = 0
    assert reasons(book.buy(1, 3_000, 203, **options)) == ["price_step"]
    assert reasons(book.buy(1, 3_000, 205, **options)) == ["price_band"]
    assert reasons(book.buy(1, 3_000, 200, **options)) == ["notional"]
    assert reasons(book.buy(1, 30, 200, **options)) == ["trigger_price"]
    options["trigger_ticks"] = 11  # no step for triggers
    assert reasons(book.buy(1, 30, 200, **options)) == ["oco_unknown"]
    assert reasons(book.buy(1, 30, 200, **options | {"oco": 0})) == ["mmp_unknown"]
    assert book.buy(1, 30, 200, **options | {"oco": 0, "mmp": 1}) == [("pending", 1, 11, 30)]


def test_match_030_groups_are_the_same_and_nobody_is_in_none(book: Book) -> None:
    for owner in (0, ANN, BOB):
        book.engine.set_group(owner, 3)
    book.sell(1, 5, 10, owner=ANN)
    assert book.buy(2, 5, 10, owner=BOB) == [("cancelled", 2, 5, "stp", 10, -1)]
    assert book.buy(3, 2, 10, owner=BOB, stp=STP_NONE) == [("fill", 1, 3, 10, 2, 3, 3)]
    assert book.buy(4, 2, 10, owner=0) == [("fill", 1, 4, 10, 2, 1, 1)]
    book.engine.set_group(BOB, 0)
    assert book.buy(5, 1, 10, owner=BOB) == [("fill", 1, 5, 10, 1, 0, 0)]


def test_match_035_reserve_stands_behind_an_own_order(book: Book) -> None:
    book.sell(1, 10, 5, display_lots=2)
    book.sell(2, 1, 5, owner=CID)
    assert book.buy(3, 3, 5, tif=FOK) == [("cancelled", 3, 3, "fok", 5, -1)]
    assert book.buy(4, 2, 5, tif=FOK) == [("fill", 1, 4, 5, 2, 8, 1), ("refreshed", 1, 5, 2, 3)]


def test_match_036_largest_notional(book: Book) -> None:
    book.open(notional_max=1_000)
    assert book.buy(1, 20, 100) == [("refused", 1, "notional")]
    assert book.buy(1, 5, 100) == [("rested", 1, 100, 5, 5)]
    assert book.engine.amend(1, CID, 100, 11) == [("refused", 1, "notional")]


def test_match_037_tick_table(book: Book) -> None:
    book.open(tick_table=((100, 5), (200, 25)))
    assert [reasons(book.buy(price, 1, price)) for price in (99, 105, 101, 205, 225)] == [
        [], [], ["price_step"], ["price_step"], []
    ]  # fmt: skip


def test_match_038_limit_beyond_the_dynamic_band_opens_an_auction(book: Book) -> None:
    book.open(dynamic_bps=500)
    book.engine.set_auction_reference(0, 100)
    book.sell(1, 1, 104)
    book.sell(2, 1, 106)
    assert book.buy(3, 3, 110, tif=FOK) == [("cancelled", 3, 3, "fok", 110, -1)]
    assert book.buy(4, 3, 105) == [("fill", 1, 4, 104, 1, 0, 0), ("rested", 4, 105, 2, 2)]  # within: no auction
    book.engine.set_price(0, 0, 100)
    assert book.buy(5, 3, 0, order_type=MARKET) == [("cancelled", 5, 3, "band", 0, -1), ("phase", 0, 3)]


def test_match_038_rest_stands_crossed_in_the_auction(book: Book) -> None:
    book.open(dynamic_bps=500)
    book.engine.set_auction_reference(0, 100)
    book.sell(1, 1, 104)
    book.sell(2, 1, 106)
    assert book.buy(3, 3, 110) == [("fill", 1, 3, 104, 1, 0, 0), ("rested", 3, 110, 2, 2), ("phase", 0, 3)]
    assert book.engine.best(0) == (110, 106)
    assert book.engine.indicative(0) == (110, 1, 1)


def test_match_039_decrement_takes_the_smaller_off_both(book: Book) -> None:
    book.sell(1, 6, 10, display_lots=2)
    assert book.buy(2, 4, 10, owner=ANN, stp=STP_DECREMENT) == [
        ("reduced", 1, 4, 2, 10, 2), ("cancelled", 2, 4, "stp", 10, -1)
    ]  # fmt: skip
    book.sell(3, 1, 10, owner=BOB)
    assert book.buy(4, 5, 10, owner=ANN, stp=STP_DECREMENT) == [
        ("cancelled", 1, 2, "stp", 10, 1), ("reduced", 4, 2, 3, 10, -1), ("fill", 3, 4, 10, 1, 0, 0),
        ("rested", 4, 10, 2, 2),
    ]  # fmt: skip


def test_match_044_notional_and_market_orders_in_amends(book: Book) -> None:
    book.engine.set_phase(0, 2)
    book.sell(1, 5, 0, order_type=MARKET)
    book.sell(2, 5, 1)
    assert book.engine.amend(1, ANN, 77, 4) == [("amended", 1, 1, 4, 9)]
    assert book.engine.amend(1, ANN, 77, 6) == [("cancelled", 1, 4, "amend_replace", 1, 5), ("rested", 1, 1, 6, 11)]


def test_match_045_amend_never_slides(book: Book) -> None:
    book.sell(1, 5, 10)
    book.buy(2, 5, 8, post_only=POST_ONLY_SLIDE)
    assert book.engine.amend(2, CID, 10, 5) == [("refused", 2, "post_only_cross")]


def test_match_052_filters_of_a_mass_cancel(book: Book) -> None:
    book.engine.set_price(0, 0, 10)
    book.buy(1, 1, 5)
    book.buy(2, 1, 8)
    book.buy(3, 1, 6, trigger=TRIGGER_UP, trigger_ticks=20)
    book.buy(4, 1, 0, order_type=MARKET, trigger=TRIGGER_UP, trigger_ticks=20)
    book.sell(5, 1, 30, owner=CID)
    book.engine.submit(1, 6, CID, SELL, 30, 1)
    ids = [event[1] for event in book.engine.cancel_owner(CID, book=0, side=0, low=5, high=6)]
    assert ids == [1, 3]
    assert [event[1] for event in book.engine.cancel_owner(CID, book=0)] == [2, 4, 5]
    assert book.engine.cancel_owner(CID) == [("cancelled", 6, 1, "user", 30, 0)]


def test_match_053_all_of_a_book_go_side_by_side(book: Book) -> None:
    book.engine.set_price(0, 0, 10)
    book.buy(1, 1, 5)
    book.buy(2, 1, 8, trigger=TRIGGER_UP, trigger_ticks=20)
    book.buy(3, 1, 0, peg=PEG_ASK)  # follows the asks: there are none
    book.buy(4, 1, 8)
    assert book.engine.cancel_book(0, low=8, high=8) == [
        ("cancelled", 4, 1, "mass", 8, 0), ("cancelled", 2, 1, "mass", 8, -1)
    ]  # fmt: skip
    book.sell(5, 1, 9)
    assert book.engine.order(3) == (0, CID, 0, 8, 1, 0)
    assert book.engine.cancel_book(0) == [
        ("cancelled", 3, 1, "mass", 8, 0), ("cancelled", 1, 1, "mass", 5, 0), ("cancelled", 5, 1, "mass", 9, 0)
    ]  # fmt: skip
    assert book.engine.cancel_book(7) == [("refused", 7, "no_book")]


def test_match_065_and_066_iceberg_trades_peak_by_peak(book: Book) -> None:
    book.sell(1, 10, 5, display_lots=2)
    book.sell(2, 3, 5, owner=BOB)
    assert book.engine.depth(0, 1)[1] == [(5, 5)]
    assert book.buy(3, 6, 5) == [
        ("fill", 1, 3, 5, 2, 8, 3), ("refreshed", 1, 5, 2, 5), ("fill", 2, 3, 5, 3, 0, 2), ("fill", 1, 3, 5, 1, 7, 1)
    ]  # fmt: skip
    assert (book.engine.shown(1), book.engine.order(1)) == (1, (0, ANN, SELL, 5, 7, 3))
    assert book.buy(4, 12, 5, display_lots=3, tif=0)[-1] == ("rested", 4, 5, 5, 3)  # a taker trades its full size


def test_match_067_reserve_goes_first_and_more_is_a_fresh_order(book: Book) -> None:
    book.sell(1, 10, 5, display_lots=4)
    book.sell(2, 1, 5, owner=BOB)
    assert book.engine.amend(1, ANN, 5, 5) == [("amended", 1, 5, 5, 5)]
    assert book.engine.amend(1, ANN, 5, 3) == [("amended", 1, 5, 3, 4)]
    assert book.engine.amend(1, ANN, 5, 9) == [("cancelled", 1, 3, "amend_replace", 5, 1), ("rested", 1, 5, 9, 5)]
    assert book.buy(3, 11, 5, tif=FOK, stp=STP_CANCEL_NEWEST) == [("cancelled", 3, 11, "fok", 5, -1)]
    assert book.engine.cancel(1, ANN) == [("cancelled", 1, 9, "user", 5, 1)]
