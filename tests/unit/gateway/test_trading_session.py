"""Goal: orders over a websocket session do what they say and answer in the dialect. Method: the real core in-process,
sessions without sockets."""

import pytest

from domain.commands import CloseInstrument, cancel_order
from tests.unit.gateway.harness import Bench
from tests.unit.gateway.inprocess import ALICE, FORWARD_DAYS

TOKEN, FORWARD, CASH = "TH1A_USDC", "HPU_USDC-31JAN24", "BTC_USDC"


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_resting_order_is_shown_open_with_everything_it_was_placed_with(bench: Bench) -> None:
    order = bench.client("alice").place("buy", TOKEN, 3, 19.5, label="mine:1", post_only=True)["order"]
    assert order["order_state"] == "open"
    assert (order["amount"], order["price"], order["filled_amount"]) == (3, 19.5, 0)
    assert (order["direction"], order["order_type"], order["label"]) == ("buy", "limit", "mine:1")
    assert (order["post_only"], order["time_in_force"]) == (True, "good_til_cancelled")
    assert order["instrument_name"] == TOKEN


def test_a_fill_is_reported_with_its_trade_price_and_fee_to_the_taker(bench: Bench) -> None:
    bench.client("alice").place("buy", TOKEN, 3, 19.5)
    result = bench.client("bob").place("sell", TOKEN, 2, 19)
    assert result["order"]["order_state"] == "filled"
    assert result["order"]["average_price"] == 19.5
    (trade,) = result["trades"]
    assert (trade["price"], trade["amount"], trade["liquidity"], trade["direction"]) == (19.5, 2, "T", "sell")
    assert (trade["fee"], trade["fee_currency"]) == (0.0195, "USDC")  # 500 ppm of 39
    assert trade["order_id"] == result["order"]["order_id"]


def test_the_average_price_of_two_levels_is_exact(bench: Bench) -> None:
    maker = bench.client("alice")
    maker.place("sell", TOKEN, 1, 20)
    maker.place("sell", TOKEN, 2, 20.01)
    order = bench.client("bob").place("buy", TOKEN, 3, 21)["order"]
    assert order["average_price"] == 20.00666667  # 60.02 / 3 to a millionth of a tick


def test_a_market_order_takes_and_never_rests(bench: Bench) -> None:
    bench.client("alice").place("sell", TOKEN, 1, 20)
    order = bench.client("bob").place("buy", TOKEN, 2, type="market")["order"]
    assert (order["order_state"], order["filled_amount"], order["price"]) == ("cancelled", 1, "market_price")


@pytest.mark.parametrize(("lifetime", "filled"), [("immediate_or_cancel", 1), ("fill_or_kill", 0)])
def test_immediate_lifetimes_end_with_what_was_there(bench: Bench, lifetime: str, filled: int) -> None:
    bench.client("alice").place("sell", TOKEN, 1, 20)
    order = bench.client("bob").place("buy", TOKEN, 2, 20, time_in_force=lifetime)["order"]
    assert (order["order_state"], order["filled_amount"], order["time_in_force"]) == ("cancelled", filled, lifetime)


def test_a_crossing_post_only_order_slides_or_is_refused_as_it_says(bench: Bench) -> None:
    bench.client("alice").place("sell", TOKEN, 1, 20)
    bob = bench.client("bob")
    order = {"instrument_name": TOKEN, "amount": 1, "price": 20, "post_only": True}
    assert bob.result("private/buy", order)["order"]["price"] == 19.99
    error = bob.error("private/buy", order | {"reject_post_only": True})
    assert (error["code"], error["message"]) == (11054, "post_only_reject")


def test_an_edit_sets_price_and_total_and_keeps_the_id(bench: Bench) -> None:
    alice = bench.client("alice")
    order = alice.place("buy", TOKEN, 3, 19.5)["order"]
    edited = alice.result("private/edit", {"order_id": order["order_id"], "amount": 5, "price": 19.4})["order"]
    assert (edited["order_id"], edited["amount"], edited["price"]) == (order["order_id"], 5, 19.4)
    assert edited["replaced"] is True


def test_an_edit_keeps_what_it_does_not_name(bench: Bench) -> None:
    alice = bench.client("alice")
    order = alice.place("buy", TOKEN, 3, 19.5)["order"]
    edited = alice.result("private/edit", {"order_id": order["order_id"], "amount": 2})["order"]
    assert (edited["amount"], edited["price"]) == (2, 19.5)
    edited = alice.result("private/edit", {"order_id": order["order_id"], "price": 19.3})["order"]
    assert (edited["amount"], edited["price"]) == (2, 19.3)


def test_a_cancelled_order_is_answered_in_full(bench: Bench) -> None:
    alice = bench.client("alice")
    order = alice.place("buy", TOKEN, 3, 19.5)["order"]
    cancelled = alice.result("private/cancel", {"order_id": order["order_id"]})
    assert (cancelled["order_state"], cancelled["cancel_reason"]) == ("cancelled", "user_request")
    error = alice.error("private/cancel", {"order_id": order["order_id"]})
    assert (error["code"], error["data"]["cancel_reason"]) == (10010, "user_request")


def test_nobody_cancels_an_order_of_somebody_else(bench: Bench) -> None:
    order = bench.client("alice").place("buy", TOKEN, 3, 19.5)["order"]
    bob = bench.client("bob")
    assert bob.error("private/cancel", {"order_id": order["order_id"]})["code"] == 10004
    assert bob.error("private/edit", {"order_id": order["order_id"], "amount": 1, "price": 19})["code"] == 10004
    assert bob.error("private/edit", {"order_id": order["order_id"], "amount": 1})["code"] == 10004
    assert bob.error("private/get_order_state", {"order_id": order["order_id"]})["code"] == 10004


@pytest.mark.parametrize("order_id", ["", "7", "1-", "-1", "1-x", "99-5", "1-²", "1-" + "9" * 30, "١-5"])
def test_text_that_is_no_order_id_finds_no_order(bench: Bench, order_id: str) -> None:
    assert bench.client("alice").error("private/cancel", {"order_id": order_id})["code"] == 10004


def test_mass_cancels_count_what_they_cancelled(bench: Bench) -> None:
    alice = bench.client("alice")
    for price in (19, 19.1):
        alice.place("buy", TOKEN, 1, price)
    alice.place("buy", CASH, 0.01, 39_000)
    assert alice.result("private/cancel_all_by_instrument", {"instrument_name": TOKEN}) == 2
    assert alice.result("private/cancel_all") == 1
    assert alice.result("private/cancel_all") == 0


def test_a_forward_is_sized_in_days_and_a_wrong_size_teaches_the_right_ones(bench: Bench) -> None:
    alice = bench.client("alice")
    assert alice.place("buy", FORWARD, 2 * FORWARD_DAYS, 60)["order"]["amount"] == 2 * FORWARD_DAYS
    error = alice.error("private/buy", {"instrument_name": FORWARD, "amount": 45, "price": 60})
    assert error["code"] == 10021
    assert error["data"]["min_trade_amount"] == FORWARD_DAYS
    assert error["data"]["nearest_amounts"] == [31, 62]
    assert error["data"]["param"] == "amount"


def test_a_whitelist_refusal_names_the_rule_and_what_it_asks_for(bench: Bench) -> None:
    sent_before = len(bench.link.sent)
    error = bench.client("carol").error("private/buy", {"instrument_name": TOKEN, "amount": 1, "price": 19})
    assert (error["code"], error["message"]) == (20001, "not_eligible")
    assert error["data"] == {
        "rule": "professional_investor",
        "requires": ["kyc", "professional"],
        "reason": "not_registered",
        "instrument_name": TOKEN,
    }
    assert len(bench.link.sent) == sent_before, "refused at the door: the core was not bothered"


def test_who_is_not_whitelisted_still_trades_what_asks_for_nothing(bench: Bench) -> None:
    assert bench.client("carol").place("buy", CASH, 0.01, 39_000)["order"]["order_state"] == "open"


def test_a_refusal_for_money_names_what_is_missing(bench: Bench) -> None:
    error = bench.client("alice").error("private/buy", {"instrument_name": TOKEN, "amount": 100_000, "price": 20})
    assert (error["code"], error["message"]) == (10009, "not_enough_funds")
    assert (error["data"]["rule"], error["data"]["currency"]) == ("balance", "USDC")
    assert error["data"]["missing"] == 1_001_000  # 2,000,000 plus 500 ppm fee, less the 1,000,000 there are


def test_a_refusal_for_margin_names_the_rule(bench: Bench) -> None:
    error = bench.client("alice").error(
        "private/buy", {"instrument_name": FORWARD, "amount": 15_000 * FORWARD_DAYS, "price": 60}
    )
    assert error["code"] == 10009
    assert (error["data"]["rule"], error["data"]["currency"]) == ("margin", "USDC")
    assert error["data"]["missing"] > 0


@pytest.mark.parametrize(
    ("params", "code", "param"),
    [
        ({"instrument_name": "NOPE_USDC", "amount": 1, "price": 1}, 10020, "instrument_name"),
        ({"instrument_name": TOKEN, "price": 19}, -32602, "amount"),
        ({"instrument_name": TOKEN, "amount": 1}, -32602, "price"),
        ({"instrument_name": TOKEN, "amount": 0, "price": 19}, 10002, "amount"),
        ({"instrument_name": TOKEN, "amount": -1, "price": 19}, 10002, "amount"),
        ({"instrument_name": TOKEN, "amount": 1.5, "price": 19}, 10021, "amount"),
        ({"instrument_name": TOKEN, "amount": 10**12, "price": 19}, 10021, "amount"),
        ({"instrument_name": TOKEN, "amount": "NaN", "price": 19}, 10021, "amount"),
        ({"instrument_name": TOKEN, "amount": "Infinity", "price": 19}, 10021, "amount"),
        ({"instrument_name": TOKEN, "amount": "1e99", "price": 19}, 10021, "amount"),
        ({"instrument_name": TOKEN, "amount": True, "price": 19}, -32602, "amount"),
        ({"instrument_name": TOKEN, "amount": [1], "price": 19}, -32602, "amount"),
        ({"instrument_name": TOKEN, "amount": 1, "price": 19.001}, 10043, "price"),
        ({"instrument_name": TOKEN, "amount": 1, "price": "0.000000001"}, 10043, "price"),
        ({"instrument_name": TOKEN, "amount": 1, "price": 0}, 10005, "price"),
        ({"instrument_name": TOKEN, "amount": 1, "price": -5}, 10005, "price"),
        ({"instrument_name": TOKEN, "amount": 1, "price": 10**9}, 10007, "price"),
        ({"instrument_name": TOKEN, "amount": 1, "price": 19, "type": "stop"}, -32602, "type"),
        ({"instrument_name": TOKEN, "amount": 1, "price": 19, "trigger_price": 3}, -32602, "trigger_price"),
        ({"instrument_name": TOKEN, "amount": 1, "price": 19, "reduce_onlly": True}, -32602, "reduce_onlly"),
        ({"instrument_name": TOKEN, "amount": 1, "price": 19, "label": "x" * 65}, -32602, "label"),
        ({"instrument_name": TOKEN, "amount": 1, "price": 19, "label": "a\u0000b"}, -32602, "label"),
        ({"instrument_name": TOKEN, "amount": 1, "price": 19, "valid_until": -1}, -32602, "valid_until"),
        ({"instrument_name": TOKEN, "amount": 1, "price": 19, "valid_until": 1}, 13888, "valid_until"),
        ({"instrument_name": TOKEN, "amount": 1, "price": 19, "mmp": True}, 20008, "mmp_group"),
        ({"instrument_name": TOKEN, "amount": 1, "type": "market", "price": 19}, -32602, "price"),
        ({"instrument_name": TOKEN, "amount": 1, "type": "market", "post_only": True}, -32602, "post_only"),
        ({"instrument_name": 7, "amount": 1, "price": 19}, -32602, "instrument_name"),
        ({"amount": 1, "price": 19}, -32602, "instrument_name"),
    ],
)
def test_a_bad_order_is_refused_by_field_and_changes_nothing(
    bench: Bench, params: dict[str, object], code: int, param: str
) -> None:
    alice = bench.client("alice")
    error = alice.error("private/buy", params)
    assert (error["code"], error["data"]["param"]) == (code, param)
    assert error["data"]["reason"]
    assert alice.result("private/get_open_orders") == []


def test_decimal_strings_are_accepted_as_numbers(bench: Bench) -> None:
    order = bench.client("alice").place("buy", "TH1A_BTC", "3", "0.00050001")["order"]  # type: ignore[arg-type]
    assert (order["amount"], order["price"]) == (3, 0.00050001)


def test_commands_of_one_message_batch_are_answered_in_order(bench: Bench) -> None:
    alice = bench.client("alice")
    before = len(alice.messages)
    for number in range(5):
        alice.session.receive(
            b'{"jsonrpc":"2.0","id":"n%d","method":"private/buy","params":{"instrument_name":"TH1A_USDC","amount":1,'
            b'"price":19}}' % number,
            0,
        )
    alice.session.receive(b'{"jsonrpc":"2.0","id":"time","method":"public/get_time"}', 0)
    alice.session.receive(b'{"jsonrpc":"2.0","id":"n5","method":"private/cancel_all"}', 0)
    bench.settle()
    bench.settle()
    assert [message["id"] for message in alice.messages[before:]] == ["n0", "n1", "n2", "n3", "n4", "time", "n5"]


def test_a_read_waits_for_the_commands_ahead_of_it_and_nothing_overtakes_it(bench: Bench) -> None:
    late = Bench(later=True)
    late.run_later()
    alice = late.client("alice")
    before = len(alice.messages)
    alice.send("private/get_open_orders")
    alice.send("private/buy", {"instrument_name": TOKEN, "amount": 1, "price": 19})
    assert len(alice.messages) == before, "the read is under way and the order waits behind it"
    late.run_later()
    late.settle()
    read, placed = alice.messages[before:]
    assert read["result"] == []
    assert placed["result"]["order"]["order_state"] == "open"


def test_cancel_on_disconnect_cancels_what_was_placed_after_it_was_enabled(bench: Bench) -> None:
    alice = bench.client("alice")
    alice.place("buy", TOKEN, 1, 18)
    alice.result("private/enable_cancel_on_disconnect")
    assert alice.result("private/get_cancel_on_disconnect") == {"enabled": True, "scope": "connection"}
    alice.place("buy", TOKEN, 1, 19)
    alice.session.lost()
    bench.settle()
    (left,) = bench.client("alice").result("private/get_open_orders")
    assert left["price"] == 18


def test_orders_outlive_a_connection_that_did_not_ask_for_their_end(bench: Bench) -> None:
    alice = bench.client("alice")
    alice.place("buy", TOKEN, 1, 19)
    alice.session.lost()
    bench.settle()
    assert len(bench.client("alice").result("private/get_open_orders")) == 1


def test_logout_ends_the_session_without_cancelling(bench: Bench) -> None:
    alice = bench.client("alice")
    alice.result("private/enable_cancel_on_disconnect")
    alice.place("buy", TOKEN, 1, 19)
    alice.send("private/logout")
    assert alice.closed == (1000, "logout")
    alice.session.lost()
    bench.settle()
    assert len(bench.client("alice").result("private/get_open_orders")) == 1


def test_an_instrument_that_closed_takes_no_more_orders(bench: Bench) -> None:
    alice = bench.client("alice")
    order = alice.place("buy", TOKEN, 1, 19)["order"]
    bench.link.command(CloseInstrument(1))
    bench.settle()
    assert alice.error("private/buy", {"instrument_name": TOKEN, "amount": 1, "price": 19})["code"] == 10012
    assert alice.result("private/get_order_state", {"order_id": order["order_id"]})["cancel_reason"] == "expiry"
    assert TOKEN not in [row["instrument_name"] for row in alice.result("public/get_instruments")]
    assert TOKEN in [row["instrument_name"] for row in alice.result("public/get_instruments", {"expired": True})]


def test_commands_of_other_origins_are_not_taken_for_replies(bench: Bench) -> None:
    alice = bench.client("alice")
    order = alice.place("buy", TOKEN, 1, 19)["order"]
    before = len(alice.messages)
    number = int(order["order_id"].split("-")[1])
    bench.link.send_commands(cancel_order(account=ALICE, order_id=number, origin=99 << 32 | 1, request=1))
    bench.settle()
    assert alice.messages[before:] == []
    assert alice.result("private/get_open_orders") == []


def test_while_the_core_is_away_commands_are_refused_and_those_under_way_are_called_unknown(bench: Bench) -> None:
    alice = bench.client("alice")
    alice.session.receive(
        b'{"jsonrpc":"2.0","id":"sent","method":"private/buy","params":{"instrument_name":"TH1A_USDC","amount":1,"price":19}}',
        0,
    )
    bench.venue.desk.flush()
    bench.link.away = True
    bench.venue.on_away()
    assert alice.messages[-1]["id"] == "sent"
    assert alice.messages[-1]["error"]["message"] == "outcome_unknown"
    error = alice.error("private/buy", {"instrument_name": TOKEN, "amount": 1, "price": 19})
    assert (error["code"], error["message"]) == (11051, "system_maintenance")
    assert alice.error("private/get_open_orders")["code"] == 11051
    assert alice.result("public/status")["locked"] == "true"


def test_when_the_core_is_back_sessions_are_closed_and_new_ones_see_its_state(bench: Bench) -> None:
    alice = bench.client("alice")
    bench.link.away = True
    bench.venue.on_away()
    bench.link.away = False
    bench.venue.on_back()
    assert alice.closed is not None
    assert alice.closed[0] == 1012
    assert bench.client("alice").place("buy", TOKEN, 1, 19)["order"]["order_state"] == "open"
