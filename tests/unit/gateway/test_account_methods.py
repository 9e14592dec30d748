"""Goal: balances, positions, orders, trades, dividends and eligibility are answered exactly. Method: sessions over
the real core and a history in memory."""

import pytest

from tests.unit.gateway.harness import Bench
from tests.unit.gateway.inprocess import FORWARD_DAYS

TOKEN, FORWARD = "TH1A_USDC", "HPU_USDC-31JAN24"


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    alice, bob = bench.client("alice"), bench.client("bob")
    alice.place("buy", TOKEN, 10, 20)
    bob.place("sell", TOKEN, 4, 20)
    alice.place("sell", FORWARD, 3 * FORWARD_DAYS, 60)
    bob.place("buy", FORWARD, 2 * FORWARD_DAYS, 60)
    return bench


def summaries(bench: Bench, name: str) -> dict[str, dict[str, float]]:
    result = bench.client(name).result("private/get_account_summaries")
    return {row["currency"]: row for row in result["summaries"]}


def test_balances_are_exact_after_trades(bench: Bench) -> None:
    alice, bob = summaries(bench, "alice"), summaries(bench, "bob")
    assert alice["TH1A"]["equity"] == 1_004
    assert bob["TH1A"]["equity"] == 996
    assert alice["USDC"]["balance"] == 1_000_000 - 80  # the maker pays no fee
    # bob: 80 for the tokens less 500 ppm, and 300 ppm of 62 PH/s-days at 60
    assert bob["USDC"]["balance"] == pytest.approx(1_000_000 + 80 - 0.04 - 1.116, abs=1e-9)
    # held: the open token order with its fee, and the worst-case fee of the open forward order
    assert alice["USDC"]["spot_reserve"] == pytest.approx(6 * 20 * 1.0005 + 31 * 60 * 0.0003)
    assert alice["USDC"]["initial_margin"] > alice["USDC"]["maintenance_margin"] > 0


def test_a_single_summary_agrees_with_the_list_and_names_the_fees(bench: Bench) -> None:
    summary = bench.client("bob").result("private/get_account_summary", {"currency": "usdc"})
    assert summary["balance"] == summaries(bench, "bob")["USDC"]["balance"]
    assert {"maker", "taker", "type"} == set(summary["fees"][0]["value"]["default"])
    assert bench.client("bob").error("private/get_account_summary", {"currency": "XXX"})["data"]["param"] == "currency"


def test_positions_are_signed_in_days_and_sum_to_nothing(bench: Bench) -> None:
    (short,) = bench.client("alice").result("private/get_positions", {"currency": "USDC"})
    (long,) = bench.client("bob").result("private/get_positions", {"kind": "future"})
    assert (short["size"], short["direction"], long["size"], long["direction"]) == (-62, "sell", 62, "buy")
    assert long["average_price"] == 60
    assert bench.client("bob").result("private/get_positions", {"currency": "BTC"}) == []
    one = bench.client("bob").result("private/get_position", {"instrument_name": FORWARD})
    assert one == long
    flat = bench.client("carol").result("private/get_position", {"instrument_name": FORWARD})
    assert (flat["size"], flat["direction"], flat["total_profit_loss"]) == (0, "zero", 0)


def test_open_orders_are_listed_by_all_currency_and_instrument(bench: Bench) -> None:
    alice = bench.client("alice")
    everything = alice.result("private/get_open_orders")
    assert [order["instrument_name"] for order in everything] == [TOKEN, FORWARD]
    assert alice.result("private/get_open_orders_by_currency", {"currency": "TH1A"}) == everything[:1]
    assert alice.result("private/get_open_orders_by_instrument", {"instrument_name": FORWARD}) == everything[1:]
    assert everything[0]["filled_amount"] == 4


def test_ended_orders_come_from_the_history(bench: Bench) -> None:
    bob = bench.client("bob")
    orders = bob.result("private/get_order_history_by_currency", {"currency": "USDC"})
    assert [(order["instrument_name"], order["order_state"]) for order in orders] == [
        (FORWARD, "filled"), (TOKEN, "filled"),
    ]  # fmt: skip
    one = bob.result("private/get_order_state", {"order_id": orders[0]["order_id"]})
    assert one == orders[0]
    by_name = bob.result("private/get_order_history_by_instrument", {"instrument_name": TOKEN})
    assert by_name == orders[1:]


def test_orders_without_a_fill_are_in_the_history_only_when_asked_for(bench: Bench) -> None:
    bob = bench.client("bob")
    order = bob.place("buy", TOKEN, 1, 15)["order"]
    bob.result("private/cancel", {"order_id": order["order_id"]})
    ask = {"instrument_name": TOKEN}
    plain = bob.result("private/get_order_history_by_instrument", ask)
    full = bob.result("private/get_order_history_by_instrument", ask | {"include_unfilled": True})
    assert len(full) == len(plain) + 1
    assert full[0]["order_state"] == "cancelled"


def test_own_trades_by_instrument_currency_order_and_time(bench: Bench) -> None:
    alice = bench.client("alice")
    page = alice.result("private/get_user_trades_by_instrument", {"instrument_name": TOKEN})
    (trade,) = page["trades"]
    assert (trade["liquidity"], trade["direction"], trade["fee"], page["has_more"]) == ("M", "buy", 0, False)
    both = alice.result("private/get_user_trades_by_currency", {"currency": "USDC", "sorting": "asc"})["trades"]
    assert [row["instrument_name"] for row in both] == [TOKEN, FORWARD]
    assert alice.result("private/get_user_trades_by_order", {"order_id": trade["order_id"]}) == [trade]
    window = {"currency": "USDC", "start_timestamp": trade["timestamp"], "end_timestamp": trade["timestamp"]}
    assert alice.result("private/get_user_trades_by_currency_and_time", window)["trades"] == [trade]


def test_public_trades_are_newest_first_and_paged(bench: Bench) -> None:
    alice, bob = bench.client("alice"), bench.client("bob")
    bob.place("sell", TOKEN, 1, 20)
    bob.place("sell", TOKEN, 2, 20)
    page = alice.result("public/get_last_trades_by_instrument", {"instrument_name": TOKEN, "count": 2})
    assert ([trade["amount"] for trade in page["trades"]], page["has_more"]) == ([2, 1], True)
    page = alice.result("public/get_last_trades_by_instrument", {"instrument_name": TOKEN, "sorting": "asc"})
    assert ([trade["amount"] for trade in page["trades"]], page["has_more"]) == ([4, 1, 2], False)
    page = alice.result("public/get_last_trades_by_instrument", {"instrument_name": TOKEN, "start_seq": 3})
    assert [trade["trade_seq"] for trade in page["trades"]] == [3]
    everything = alice.result("public/get_last_trades_by_currency", {"currency": "USDC", "count": 100})
    assert len(everything["trades"]) == 4


def test_eligibility_tells_each_rule_and_what_asks_for_it(bench: Bench) -> None:
    good = bench.client("alice").result("private/x/get_eligibility")
    bad = bench.client("carol").result("private/x/get_eligibility")
    assert (good["rules"][0]["rule"], good["rules"][0]["eligible"]) == ("professional_investor", True)
    assert (bad["rules"][0]["reason"], bad["rules"][0]["eligible"]) == ("not_registered", False)
    assert TOKEN in good["rules"][0]["instruments"]


def test_dividends_of_an_account_without_any_are_an_empty_list(bench: Bench) -> None:
    alice = bench.client("alice")
    assert alice.result("private/x/get_dividends", {"currency": "BTC", "count": 5}) == []
    assert alice.error("private/x/get_dividends", {"currency": "XXX"})["data"]["param"] == "currency"
    assert alice.error("private/x/get_dividends", {"count": 0})["data"]["param"] == "count"


@pytest.mark.parametrize(
    "method",
    [
        "private/get_account_summaries", "private/get_positions", "private/get_open_orders", "private/x/get_dividends",
        "private/x/get_eligibility", "private/cancel_all", "private/get_subaccounts", "private/subscribe",
    ],
)  # fmt: skip
def test_private_methods_ask_for_authentication(bench: Bench, method: str) -> None:
    params = {"channels": []} if method == "private/subscribe" else {}
    assert bench.client().error(method, params)["code"] == 13009
