"""Goal: combos are shown with their legs and with what books imply of each other. Method: two forwards and a spread of
them on a core on paper; the numbers of MATCH-111 and MATCH-112."""

from typing import Any

import msgspec
import pytest

from domain.book_rules import BookRules
from domain.constants import BUY, SELL
from domain.events import InstrumentListed, encode_cold_event
from domain.instruments import AMOUNT_SCALE, KIND_COMBO
from tests.unit.gateway.harness import Bench
from tests.unit.gateway.inprocess import HPU, market
from tests.unit.gateway.paper import PaperLink, phase_frame

FRONT, BACK, SPREAD = "HPU_USDC-31JAN24", "HPU_USDC-29FEB24", "HPU_USDC-FS-29FEB24_31JAN24"


@pytest.fixture
def bench() -> Bench:
    bench = Bench(link=PaperLink())
    front = market()[HPU]
    wide = BookRules(band_high_ticks=200_000, lots_max=100_000)
    back = msgspec.structs.replace(front, instrument_id=5, name=BACK, rules=wide)
    spread = msgspec.structs.replace(
        front, instrument_id=6, name=SPREAD, kind=KIND_COMBO, legs=((HPU, 1), (5, -1)), delivery_days=0,
        lot_amount=AMOUNT_SCALE,
        rules=BookRules(band_high_ticks=200_000, price_bias_ticks=100_000, lots_max=100_000),
    )  # fmt: skip
    bench.link.tell([encode_cold_event(InstrumentListed(back)), encode_cold_event(InstrumentListed(spread))])
    bench.settle()
    return bench


def depth(bench: Bench, instrument: int, side: int, price: int, lots: int) -> None:
    bench.venue.publisher.on_depth(instrument, side, price, lots, 200, 0)


def implied(bench: Bench, name: str) -> tuple[Any, Any]:
    book = bench.client().result("public/get_order_book", {"instrument_name": name})
    return book["x_implied_bid"], book["x_implied_ask"]


def test_a_combo_is_listed_with_its_legs(bench: Bench) -> None:
    reader = bench.client()
    (combo,) = reader.result("public/get_combos", {"currency": "any"})
    assert (combo["id"], combo["state"], combo["instrument_id"]) == (SPREAD, "active", 6)
    assert [{"instrument_name": FRONT, "amount": 1}, {"instrument_name": BACK, "amount": -1}] == combo["legs"]
    assert combo == reader.result("public/get_combo_details", {"combo_id": SPREAD})
    assert [SPREAD] == reader.result("public/get_combo_ids", {"currency": "HPU"})
    assert [SPREAD] == reader.result("public/get_combo_ids", {"currency": "HPU", "state": "active"})
    assert [] == reader.result("public/get_combo_ids", {"currency": "HPU", "state": "inactive"})
    assert -32602 == reader.error("public/get_combo_details", {"combo_id": FRONT})["code"]
    rows = reader.result("public/get_instruments", {"currency": "any", "kind": "future_combo"})
    assert [(SPREAD, "future_combo")] == [(row["instrument_name"], row["kind"]) for row in rows]


def test_a_combo_does_not_count_among_the_expiries_and_is_summed_up_like_any_market(bench: Bench) -> None:
    reader = bench.client()
    assert ["31JAN24", "29FEB24"] == reader.result("public/get_expirations", {"currency": "HPU"})["hpu"]["future"]
    depth(bench, 6, BUY, -1_500, 7)
    depth(bench, 6, SELL, -1_300, 7)
    (row,) = reader.result("public/get_book_summary_by_instrument", {"instrument_name": SPREAD})
    assert (-15, -13, -14) == (row["bid_price"], row["ask_price"], row["mid_price"])


def test_a_combos_price_may_be_negative_inside_its_band(bench: Bench) -> None:
    row = bench.client().result("public/get_instrument", {"instrument_name": SPREAD})
    assert (-999.99, 1000) == (row["x_min_price"], row["x_max_price"])
    alice = bench.client("alice")
    order = {"instrument_name": SPREAD, "amount": 1}
    alice.result("private/buy", order | {"price": "-13.5"})
    assert -1_350 == bench.link.taken[-1]["price_ticks"]
    assert 10005 == alice.error("private/buy", order | {"price": -1_000})["code"]
    assert 10007 == alice.error("private/buy", order | {"price": "1000.01"})["code"]


def test_what_legs_imply_of_a_combo(bench: Bench) -> None:
    assert (None, None) == implied(bench, SPREAD)
    depth(bench, HPU, BUY, 74_150, 15)
    depth(bench, 5, SELL, 75_500, 10)
    assert ([-13.5, 10], None) == implied(bench, SPREAD)
    bench.link.tell([phase_frame(HPU, 4)])
    bench.settle()
    assert (None, None) == implied(bench, SPREAD), "only while all books trade"


def test_what_a_combo_and_one_leg_imply_of_the_other(bench: Bench) -> None:
    depth(bench, HPU, BUY, 74_150, 15)
    depth(bench, 6, SELL, -1_350, 10)
    assert ([755, 310], None) == implied(bench, BACK)
    depth(bench, 5, SELL, 76_000, 4)
    depth(bench, 6, SELL, -1_350, 0)
    depth(bench, 6, BUY, -1_500, 7)
    bid, ask = implied(bench, FRONT)
    assert (None, None) == (bid, ask), "the front is bid and the back is not: nothing follows for the front"
    depth(bench, 5, SELL, 76_000, 0)
    depth(bench, 5, BUY, 75_000, 4)
    assert ([735, 4 * 31], None) == implied(bench, FRONT)  # 75000 - 1500


def test_a_book_without_combos_near_it_implies_nothing(bench: Bench) -> None:
    assert (None, None) == implied(bench, "TH1A_USDC")
    plain = Bench(link=PaperLink()).client().result("public/get_order_book", {"instrument_name": "TH1A_USDC"})
    assert "x_implied_bid" not in plain


def test_leg_prices_add_up_to_the_packages_price(bench: Bench) -> None:
    bench.venue.image.marks[HPU] = (7_415, 7_415)
    legs = [
        {"instrument_name": FRONT, "amount": 1, "direction": "buy"},
        {"instrument_name": BACK, "amount": 1, "direction": "sell"},
    ]
    alice = bench.client("alice")
    answer = alice.result("private/get_leg_prices", {"legs": legs, "price": "-1.35"})
    first, second = answer["legs"]
    assert (FRONT, "buy", 1, 74.15) == tuple(first[name] for name in ("instrument_name", "direction", "ratio", "price"))
    assert (BACK, "sell", 75.5) == tuple(second[name] for name in ("instrument_name", "direction", "price"))
    for bad in (legs[:1], [legs[0] | {"amount": 0}, legs[1]], [legs[0], legs[1] | {"amount": 2}]):
        assert -32602 == alice.error("private/get_leg_prices", {"legs": bad, "price": 1})["code"]
    spot = [legs[0], {"instrument_name": "TH1A_USDC"}]
    assert 10020 == alice.error("private/get_leg_prices", {"legs": spot, "price": 1})["code"]
