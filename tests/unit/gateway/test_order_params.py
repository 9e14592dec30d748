"""Goal: every parameter of an order reaches the core exactly, and comes back in the dialect's words. Method: a core on
paper that remembers the records and shows orders as they were sent."""

from typing import Any

import pytest

from domain.constants import (
    BUY,
    DAY,
    FOK,
    GFA,
    GTC,
    GTD,
    IOC,
    LIMIT,
    MARKET,
    MARKET_TO_LIMIT,
    ORDER_FILLED,
    PEG_ASK,
    PEG_BID,
    PEG_MID,
    REFERENCE_INDEX,
    REFERENCE_LAST,
    REFERENCE_MARK,
    SELL,
    TRIGGER_DOWN,
    TRIGGER_UP,
)
from domain.events import decode_order
from gateway.desk import order_text
from tests.unit.gateway.harness import Bench
from tests.unit.gateway.inprocess import FORWARD_DAYS, HPU
from tests.unit.gateway.paper import PaperLink, order_frame

TOKEN, FORWARD, CASH = "TH1A_USDC", "HPU_USDC-31JAN24", "BTC_USDC"
LIMIT_ORDER = {"instrument_name": TOKEN, "amount": 3, "price": 19.5}
BARE = {"instrument_name": TOKEN, "amount": 3}
PEG = {"reference": "mid", "limit": 20}


@pytest.fixture
def bench() -> Bench:
    return Bench(link=PaperLink())


def placed(bench: Bench, side: str, **params: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The record of an order, and the order that the answer shows."""
    order = bench.client("alice").result(f"private/{side}", params)["order"]
    return bench.link.taken[-1], order


@pytest.mark.parametrize(
    ("side", "params", "record", "shown"),
    [
        ("buy", LIMIT_ORDER, {"order_type": LIMIT, "time_in_force": GTC, "price_ticks": 1950}, {"order_type": "limit"}),
        ("buy", BARE | {"type": "market"}, {"order_type": MARKET, "time_in_force": GTC, "price_ticks": 0},
         {"order_type": "market", "price": "market_price"}),
        ("sell", BARE | {"type": "market", "time_in_force": "fill_or_kill"}, {"time_in_force": FOK}, {}),
        ("buy", BARE | {"type": "market_limit"}, {"order_type": MARKET_TO_LIMIT, "price_ticks": 0},
         {"order_type": "limit", "original_order_type": "market_limit"}),
        ("buy", LIMIT_ORDER | {"time_in_force": "good_til_day"}, {"time_in_force": DAY},
         {"time_in_force": "good_til_day"}),
        ("buy", LIMIT_ORDER | {"time_in_force": "immediate_or_cancel"}, {"time_in_force": IOC},
         {"time_in_force": "immediate_or_cancel"}),
        ("buy", LIMIT_ORDER | {"x_expire_timestamp": 1_800_000_000_000},
         {"time_in_force": GTD, "expire_ns": 1_800_000_000_000 * 10**6},
         {"time_in_force": "good_til_cancelled", "x_expire_timestamp": 1_800_000_000_000}),
        ("buy", LIMIT_ORDER | {"x_good_for_auction": True}, {"time_in_force": GFA}, {"x_good_for_auction": True}),
        ("buy", LIMIT_ORDER, {"post_only": 0}, {"post_only": False, "reject_post_only": False}),
        ("buy", LIMIT_ORDER | {"post_only": True}, {"post_only": 2}, {"post_only": True, "reject_post_only": False}),
        ("buy", LIMIT_ORDER | {"post_only": True, "reject_post_only": True}, {"post_only": 1},
         {"post_only": True, "reject_post_only": True}),
        ("buy", LIMIT_ORDER | {"max_show": 1}, {"display_lots": 1},
         {"max_show": 1, "refresh_amount": 1, "display_amount": 1}),
        ("buy", LIMIT_ORDER | {"display_amount": 2}, {"display_lots": 2}, {"refresh_amount": 2}),
        ("buy", LIMIT_ORDER | {"max_show": 3}, {"display_lots": 0}, {"max_show": 3}),
        ("buy", LIMIT_ORDER | {"display_amount": 50}, {"display_lots": 0}, {"max_show": 3}),
        ("buy", LIMIT_ORDER | {"mmp": True}, {"mmp": 1}, {"mmp": True, "mmp_group": "1"}),
        ("buy", LIMIT_ORDER | {"x_client_order_id": "desk-7"}, {"client_id": "desk-7"},
         {"x_client_order_id": "desk-7"}),
        ("buy", LIMIT_ORDER | {"label": "é:1"}, {"label": "é:1"}, {"label": "é:1"}),
        ("buy", LIMIT_ORDER | {"valid_until": 1_700_000_000_123}, {"valid_until_ns": 1_700_000_000_123_000_000}, {}),
    ],
)  # fmt: skip
def test_what_an_order_says_is_what_the_core_gets_and_what_is_shown(
    bench: Bench, side: str, params: dict[str, Any], record: dict[str, Any], shown: dict[str, Any]
) -> None:
    taken, order = placed(bench, side, **params)
    assert record == {name: taken[name] for name in record}
    assert shown == {name: order[name] for name in shown}
    assert taken["side"] == (BUY if side == "buy" else SELL)


STOP = {"trigger": "last_price", "trigger_price": 21}


@pytest.mark.parametrize(
    ("side", "kind", "trigger", "order_type"),
    [
        ("buy", "stop_limit", TRIGGER_UP, LIMIT), ("sell", "stop_limit", TRIGGER_DOWN, LIMIT),
        ("buy", "stop_market", TRIGGER_UP, MARKET), ("sell", "stop_market", TRIGGER_DOWN, MARKET),
        ("buy", "take_limit", TRIGGER_DOWN, LIMIT), ("sell", "take_limit", TRIGGER_UP, LIMIT),
        ("buy", "take_market", TRIGGER_DOWN, MARKET), ("sell", "take_market", TRIGGER_UP, MARKET),
    ],
)  # fmt: skip
def test_a_stop_triggers_away_from_its_owner_and_a_take_towards_him(
    bench: Bench, side: str, kind: str, trigger: int, order_type: int
) -> None:
    price = {"price": 20} if kind.endswith("limit") else {}
    taken, order = placed(bench, side, **BARE, **STOP, **price, type=kind)
    assert (trigger, 2100, order_type) == (taken["trigger"], taken["trigger_ticks"], taken["order_type"])
    assert (order["order_state"], order["order_type"], order["triggered"]) == ("untriggered", kind, False)
    assert (order["trigger"], order["trigger_price"]) == ("last_price", 21)
    assert order["trigger_order_id"] == order["order_id"]


@pytest.mark.parametrize(
    ("word", "number"),
    [("last_price", REFERENCE_LAST), ("mark_price", REFERENCE_MARK), ("index_price", REFERENCE_INDEX)],
)
def test_a_trigger_names_its_reference(bench: Bench, word: str, number: int) -> None:
    taken, order = placed(bench, "buy", **BARE, type="stop_market", trigger=word, trigger_price=21)
    assert (number, word) == (taken["reference"], order["trigger"])


def test_a_trigger_price_need_not_stand_on_the_step_of_limits_but_on_a_tick(bench: Bench) -> None:
    error = bench.client("alice").error(
        "private/buy", BARE | {"type": "stop_market"} | STOP | {"trigger_price": 21.001}
    )
    assert (error["code"], error["data"]["param"]) == (10044, "trigger_price")


def test_a_trailing_stop_says_its_distance_in_price_units(bench: Bench) -> None:
    taken, order = placed(bench, "sell", **BARE, type="trailing_stop", trigger="mark_price", trigger_offset=0.25)
    assert (25, 0, 0, MARKET) == (taken["trail_ticks"], taken["trail_bps"], taken["trigger"], taken["order_type"])
    assert (order["order_type"], order["trigger_offset"], order["order_state"]) == (
        "trailing_stop",
        0.25,
        "untriggered",
    )


def test_a_trailing_stop_may_say_basis_points_and_when_it_becomes_active(bench: Bench) -> None:
    more = {"type": "trailing_stop", "trigger": "last_price", "x_trigger_offset_bps": 500, "trigger_price": 22}
    taken, order = placed(bench, "sell", **BARE, **more)
    assert (500, TRIGGER_UP, 2200) == (taken["trail_bps"], taken["trigger"], taken["trigger_ticks"])
    assert (order["order_type"], order["x_trigger_offset_bps"]) == ("trailing_stop", 500)
    taken, _ = placed(bench, "buy", **BARE, **more)
    assert TRIGGER_DOWN == taken["trigger"]


@pytest.mark.parametrize(("word", "number"), [("best_bid", PEG_BID), ("best_ask", PEG_ASK), ("mid", PEG_MID)])
def test_a_peg_says_what_it_follows_how_far_off_and_how_far_at_most(bench: Bench, word: str, number: int) -> None:
    peg = {"reference": word, "offset": "-0.03", "limit": 19}
    taken, order = placed(bench, "buy", **BARE, x_peg=peg)
    assert (number, -3, 1900) == (taken["peg"], taken["peg_offset"], taken["price_ticks"])
    assert order["x_peg"] == {"reference": word, "offset": -0.03}
    taken, _ = placed(bench, "buy", **BARE, x_peg={"reference": word, "limit": 21})
    assert (number, 0, 2_100) == (taken["peg"], taken["peg_offset"], taken["price_ticks"])


def test_a_budget_is_read_exactly_and_rounded_down_to_what_it_can_pay(bench: Bench) -> None:
    taken, _ = placed(bench, "buy", **BARE, type="market", x_budget="100.009")
    assert (10_000, 3) == (taken["budget"], taken["quantity_lots"])
    taken, _ = placed(bench, "buy", instrument_name=CASH, amount="0.01", type="market", x_budget="400.123456")
    assert 400_123_456 == taken["budget"]  # one tick of one lot is a micro-dollar


def test_a_budget_without_amount_is_sized_by_the_best_price_there_is(bench: Bench) -> None:
    bench.venue.publisher.on_depth(1, SELL, 2_000, 50, 101, 0)
    taken, _ = placed(bench, "buy", instrument_name=TOKEN, type="market", x_budget=70)
    assert (7_000, 3) == (taken["budget"], taken["quantity_lots"])
    error = bench.client("alice").error("private/buy", {"instrument_name": TOKEN, "type": "market", "x_budget": 19.99})
    assert (error["code"], error["data"]["min_budget"]) == (10002, 20)


def test_a_budget_without_amount_and_without_a_price_asks_for_the_smallest_amount(bench: Bench) -> None:
    taken, _ = placed(bench, "buy", instrument_name=TOKEN, type="market", x_budget=70)
    assert 1 == taken["quantity_lots"]


def test_a_forward_may_be_reduce_only(bench: Bench) -> None:
    taken, order = placed(bench, "sell", instrument_name=FORWARD, amount=FORWARD_DAYS, price=60, reduce_only=True)
    assert (1, HPU, True) == (taken["reduce_only"], taken["instrument"], order["reduce_only"])


def test_a_plain_order_carries_no_terms(bench: Bench) -> None:
    taken, order = placed(bench, "buy", **LIMIT_ORDER, label="x")
    assert 0 == taken["flags"], "the core's short way is for records without terms"
    assert not {"trigger", "refresh_amount", "x_peg", "quote", "oco_ref", "mmp_group"} & set(order)


@pytest.mark.parametrize(
    ("params", "code", "param"),
    [
        (LIMIT_ORDER | STOP, -32602, "trigger"),
        (LIMIT_ORDER | {"trigger_offset": 1}, -32602, "trigger_offset"),
        (LIMIT_ORDER | {"x_trigger_offset_bps": 1}, -32602, "x_trigger_offset_bps"),
        (BARE | {"type": "stop_limit"} | STOP, -32602, "price"),
        (LIMIT_ORDER | {"type": "stop_market"} | STOP, -32602, "price"),
        (BARE | {"type": "stop_market", "trigger_price": 21}, -32602, "trigger"),
        (BARE | {"type": "stop_market", "trigger": "last_price"}, -32602, "trigger_price"),
        (BARE | {"type": "stop_market", "trigger": "bid_price", "trigger_price": 21}, -32602, "trigger"),
        (BARE | {"type": "stop_market"} | STOP | {"trigger_price": 0}, 10035, "trigger_price"),
        (BARE | {"type": "stop_market"} | STOP | {"trigger_price": 10**9}, 10034, "trigger_price"),
        (BARE | {"type": "stop_market"} | STOP | {"trigger_offset": 1}, -32602, "trigger_offset"),
        (BARE | {"type": "trailing_stop", "trigger": "last_price"}, -32602, "trigger_offset"),
        (BARE | {"type": "trailing_stop", "trigger": "last_price", "trigger_offset": 0}, 11036, "trigger_offset"),
        (BARE | {"type": "trailing_stop", "trigger": "last_price", "trigger_offset": "0.001"}, 10044, "trigger_offset"),
        (BARE | {"type": "trailing_stop", "trigger": "last_price", "trigger_offset": 1, "x_trigger_offset_bps": 1},
         -32602, "trigger_offset"),
        (BARE | {"type": "trailing_stop", "trigger": "last_price", "x_trigger_offset_bps": 10_000},
         -32602, "x_trigger_offset_bps"),
        (LIMIT_ORDER | {"max_show": 0}, 10024, "max_show"),
        (LIMIT_ORDER | {"display_amount": 0.5}, 10024, "display_amount"),
        (LIMIT_ORDER | {"max_show": 1, "display_amount": 2}, -32602, "display_amount"),
        (LIMIT_ORDER | {"max_show": 1, "time_in_force": "fill_or_kill"}, 10024, "max_show"),
        (BARE | {"type": "market", "max_show": 1}, 10024, "max_show"),
        (LIMIT_ORDER | {"x_expire_timestamp": -1}, -32602, "x_expire_timestamp"),
        (LIMIT_ORDER | {"x_expire_timestamp": 1, "time_in_force": "good_til_day"}, -32602, "x_expire_timestamp"),
        (BARE | {"type": "market_limit", "x_good_for_auction": True}, -32602, "x_good_for_auction"),
        (LIMIT_ORDER | {"x_budget": 5}, -32602, "x_budget"),
        (BARE | {"type": "market", "x_budget": 0}, -32602, "x_budget"),
        (BARE | {"type": "market", "x_budget": "1e30"}, -32602, "x_budget"),
        (BARE | {"type": "market", "x_budget": "NaN"}, -32602, "x_budget"),
        (LIMIT_ORDER | {"x_peg": PEG}, -32602, "price"),
        (BARE | {"x_peg": {"reference": "mid"}}, -32602, "x_peg"),
        (BARE | {"x_peg": PEG | {"reference": "last"}}, -32602, "x_peg"),
        (BARE | {"x_peg": PEG | {"offset": "0.001"}}, 10043, "x_peg"),
        (BARE | {"x_peg": PEG, "post_only": True}, -32602, "x_peg"),
        (BARE | {"x_peg": PEG, "time_in_force": "good_til_day"}, -32602, "x_peg"),
        (LIMIT_ORDER | {"x_client_order_id": "x" * 37}, -32602, "x_client_order_id"),
        (LIMIT_ORDER | {"x_client_order_id": "a\tb"}, -32602, "x_client_order_id"),
        (LIMIT_ORDER | {"trigger_fill_condition": "incremental"}, -32602, "trigger_fill_condition"),
        (LIMIT_ORDER | {"linked_order_type": "one_triggers_other"}, -32602, "linked_order_type"),
        (LIMIT_ORDER | {"linked_order_type": "one_cancels_other"}, -32602, "otoco_config"),
        (LIMIT_ORDER | {"otoco_config": [{"direction": "buy"}]}, -32602, "otoco_config"),
        (LIMIT_ORDER | {"advanced": "usd"}, -32602, "advanced"),
        (LIMIT_ORDER | {"reduce_only": True}, 11029, "reduce_only"),
    ],
)  # fmt: skip
def test_what_does_not_go_together_is_refused_by_name_at_the_door(
    bench: Bench, params: dict[str, Any], code: int, param: str
) -> None:
    error = bench.client("alice").error("private/buy", params)
    assert (code, param) == (error["code"], error["data"]["param"])
    assert error["data"]["reason"]
    assert [] == bench.link.taken


def test_states_and_reasons_are_told_in_the_dialects_words(bench: Bench) -> None:
    def shown(**fields: Any) -> str:
        frame = order_frame(account=16, instrument=1, order_id=9, price_ticks=1_900, **fields)
        return order_text(bench.venue.image, decode_order(frame))

    words = {1: "user_request", 9: "cancel_on_disconnect", 11: "risk_mitigation", 16: "oco_other_closed",
             17: "mmp_trigger", 2: "ioc", 12: "expiry"}  # fmt: skip
    for reason, word in words.items():
        assert f'"cancel_reason":"{word}"' in shown(state=3, reason=reason)
    assert '"order_state":"open"' in shown(state=6, peg=1)
    assert '"x_parked":true' in shown(state=6, peg=1)
    assert '"triggered":true' in shown(state=ORDER_FILLED, trigger=1, trigger_ticks=1_950)
    assert '"triggered":true' in shown(state=3, reason=4, trigger=1, trigger_ticks=1_950), "it found nobody"
    assert '"triggered":false' in shown(state=3, reason=1, trigger=1, trigger_ticks=1_950), "cancelled while it waited"
    assert '"quote":true,"quote_set_id":"A1"' in shown(quote=1, quote_set=int.from_bytes(b"A1", "big"))
    assert '"x_prevented_amount":2' in shown(prevented_lots=2)
    assert '"oco_ref":"1-8"' in shown(oco=8)
    assert '"display_amount":1' in shown(display_lots=2, shown_lots=1)
