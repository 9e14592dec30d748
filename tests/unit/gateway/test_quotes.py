"""Goal: a mass quote is decided side by side and answered once; protection and its channel speak of groups. Method: a
core on paper."""

from typing import Any

import pytest

from domain import commands
from domain.constants import BUY, SELL
from domain.rejects import RejectCode
from gateway.quote_params import set_name, set_number
from tests.unit.gateway.harness import Bench, Client
from tests.unit.gateway.inprocess import ALICE, BOB, FORWARD_DAYS, HPU, TH1A_USDC
from tests.unit.gateway.paper import PaperLink, mmp_frame, order_frame

TOKEN, FORWARD = "TH1A_USDC", "HPU_USDC-31JAN24"
BOTH = {"instrument_name": TOKEN, "bid": {"price": 19, "amount": 2}, "ask": {"price": 21, "amount": 3}}


@pytest.fixture
def bench() -> Bench:
    return Bench(link=PaperLink())


@pytest.fixture
def alice(bench: Bench) -> Client:
    client = bench.client("alice")
    client.result("private/enable_cancel_on_disconnect")
    return client


def quote(*quotes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"quote_id": "q", "mmp_group": "3", "quotes": list(quotes), **more}


def refuses(code: int) -> Any:
    return lambda command: (code, [])


def test_both_sides_of_a_quote_are_records_with_one_request_and_one_answer(bench: Bench, alice: Client) -> None:
    forward = {"instrument_name": FORWARD, "quote_set_id": "A1", "ask": {"price": 61, "amount": FORWARD_DAYS}}
    answer = alice.result("private/mass_quote", quote(BOTH, forward, detailed=True))
    bid, ask, other = bench.link.taken
    assert 1 == len({command["request"] for command in bench.link.taken})
    assert 1 == len(bench.link.sent), "one piece"
    wanted = {"quote": 1, "mmp": 3, "cancel_on_disconnect": 1, "account": ALICE}
    assert all(wanted == {name: command[name] for name in wanted} for command in bench.link.taken)
    assert (BUY, 1_900, 2, 0) == tuple(bid[name] for name in ("side", "price_ticks", "quantity_lots", "quote_set"))
    assert (SELL, 2_100, 3) == tuple(ask[name] for name in ("side", "price_ticks", "quantity_lots"))
    assert (HPU, 1, set_number("A1")) == tuple(other[name] for name in ("instrument", "quantity_lots", "quote_set"))
    assert (answer["errors"], answer["errors_count"], answer["pending_requests_count"]) == ([], 0, 0)
    assert ["1-101", "1-102", "3-103"] == [order["order_id"] for order in answer["orders"]]
    assert {"3"} == {order["mmp_group"] for order in answer["orders"]}
    assert "A1" == answer["orders"][2]["quote_set_id"]


def test_one_bad_quote_is_reported_and_the_others_stand(bench: Bench, alice: Client) -> None:
    off_tick = {"instrument_name": TOKEN, "bid": {"price": 19.001, "amount": 2}}
    nowhere = {"instrument_name": "NOPE", "ask": {"price": 19, "amount": 2}}
    bench.link.answers = [bench.link.rests, refuses(RejectCode.POST_ONLY_CROSS), bench.link.rests]
    answer = alice.result("private/mass_quote", quote(BOTH, off_tick, nowhere, BOTH, detailed=True))
    found = [(error["instrument_name"], error["side"], error["error"]["code"]) for error in answer["errors"]]
    assert [(TOKEN, "ask", 11054), (TOKEN, "bid", 10043), ("NOPE", "ask", 10020)] == found
    assert 3 == answer["errors_count"]
    assert 3 == len(answer["orders"])


def test_a_mass_quote_of_only_bad_ones_sends_nothing(bench: Bench, alice: Client) -> None:
    answer = alice.result("private/mass_quote", quote({"instrument_name": "NOPE", "bid": {"price": 1, "amount": 1}}))
    assert (1, []) == (answer["errors_count"], bench.link.taken)
    assert "orders" not in answer, "only with detailed"


def test_amount_0_withdraws_a_side(bench: Bench, alice: Client) -> None:
    alice.result("private/mass_quote", quote({"instrument_name": TOKEN, "bid": {"amount": 0}}))
    assert (0, 0, 1) == tuple(bench.link.taken[-1][name] for name in ("price_ticks", "quantity_lots", "quote"))


def test_a_quote_that_was_there_before_is_shown_under_its_first_id(bench: Bench, alice: Client) -> None:
    def replaced(command: dict[str, Any]) -> tuple[int, list[bytes]]:
        other = order_frame(order_id=90, account=BOB, instrument=TH1A_USDC, side=BUY, quote=1)
        command["value"] = 50
        own = order_frame(order_id=50, account=ALICE, instrument=TH1A_USDC, side=BUY, quote=1, total_lots=2)
        return 0, [other, own]

    bench.link.answers = [replaced]
    only_bid = {"instrument_name": TOKEN, "bid": {"price": 19, "amount": 2}}
    answer = alice.result("private/mass_quote", quote(only_bid, detailed=True))
    assert ["1-50"] == [order["order_id"] for order in answer["orders"]]


def test_prices_that_move_up_to_the_ask_send_the_ask_first(bench: Bench, alice: Client) -> None:
    bench.venue.publisher.on_depth(TH1A_USDC, SELL, 2_100, 3, 101, 0)
    up = {"instrument_name": TOKEN, "bid": {"price": 21, "amount": 2}, "ask": {"price": 23, "amount": 3}}
    alice.result("private/mass_quote", quote(up))
    assert [SELL, BUY] == [command["side"] for command in bench.link.taken]


def test_post_only_quotes_slide_or_are_refused_as_they_say(bench: Bench, alice: Client) -> None:
    side = {"price": 19, "amount": 2, "post_only": True}
    sides = quote({"instrument_name": TOKEN, "bid": side, "ask": side | {"price": 21, "reject_post_only": True}})
    alice.result("private/mass_quote", sides)
    assert [2, 1] == [command["post_only"] for command in bench.link.taken]


def test_quotes_need_cancel_on_disconnect(bench: Bench) -> None:
    client = bench.client("alice")
    error = client.error("private/mass_quote", quote(BOTH))
    assert (error["code"], error["message"]) == (20010, "cancel_on_disconnect_required")
    client.result("private/enable_cancel_on_disconnect", {"scope": "account"})
    assert 0 == client.result("private/mass_quote", quote(BOTH))["errors_count"]


def test_who_is_not_whitelisted_is_told_for_each_side(bench: Bench) -> None:
    carol = bench.client("carol")
    carol.result("private/enable_cancel_on_disconnect")
    answer = carol.result("private/mass_quote", quote(BOTH))
    assert [20001, 20001] == [error["error"]["code"] for error in answer["errors"]]


@pytest.mark.parametrize(
    ("params", "param"),
    [
        (quote(), "quotes"),
        (quote({"instrument_name": TOKEN}), "quotes"),
        (quote(*[BOTH] * 51), "quotes"),
        (quote(BOTH, mmp_group="17"), "mmp_group"),
        (quote(BOTH, mmp_group="0"), "mmp_group"),
        (quote(BOTH, mmp_group="desk"), "mmp_group"),
        (quote(BOTH, valid_until=-1), "valid_until"),
        (quote(BOTH | {"sides": 1}), "quotes"),
    ],
)
def test_a_mass_quote_that_is_none_is_refused_whole(
    bench: Bench, alice: Client, params: dict[str, Any], param: str
) -> None:
    error = alice.error("private/mass_quote", params)
    assert (-32602, param) == (error["code"], error["data"]["param"])
    assert [] == bench.link.taken


@pytest.mark.parametrize("name", ["", "A1", "default", "eight888"])
def test_a_quote_set_keeps_its_name(name: str) -> None:
    number = set_number(name)
    assert isinstance(number, int)
    assert name == set_name(number)


# -- protection -----------------------------------------------------------------------------------------------


def test_protection_is_set_per_group_in_lots_and_seconds(bench: Bench, alice: Client) -> None:
    config = {
        "index_name": "all", "mmp_group": "2", "interval": 5, "frozen_time": 30, "quantity_limit": 100,
        "delta_limit": 40, "vega_limit": 0,
    }  # fmt: skip
    (answer,) = alice.result("private/set_mmp_config", config)
    wanted = commands.SetProtection(
        account=ALICE, group=2, lots=100, delta=40, vega=0, window_ns=5 * 10**9, frozen_ns=30 * 10**9
    )
    assert wanted == bench.link.taken[-1]["cold"]
    assert config == {name: answer[name] for name in config}
    assert [answer] == alice.result("private/get_mmp_config")
    assert [answer] == alice.result("private/get_mmp_config", {"mmp_group": "2", "index_name": "hpu_usdc"})
    assert [] == alice.result("private/get_mmp_config", {"mmp_group": "3"})
    assert [] == bench.client("bob").result("private/get_mmp_config")
    assert "ok" == alice.result("private/reset_mmp", {"index_name": "hpu_usdc", "mmp_group": "2"})
    assert commands.ResetProtection(ALICE, 2) == bench.link.taken[-1]["cold"]


def test_interval_0_takes_the_limits_away(bench: Bench, alice: Client) -> None:
    alice.result("private/set_mmp_config", {"index_name": "all", "interval": 0, "frozen_time": 0, "quantity_limit": 5})
    assert commands.SetProtection(account=ALICE, group=1, window_ns=10**9) == bench.link.taken[-1]["cold"]


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"index_name": "nothing"}, "index_name"),
        ({"interval": -1}, "interval"),
        ({"frozen_time": 10**9}, "frozen_time"),
        ({"quantity_limit": 1.5}, "quantity_limit"),
        ({"delta_limit": -1}, "delta_limit"),
        ({"vega_limit": "NaN"}, "vega_limit"),
        ({"block_rfq": True}, "block_rfq"),
        ({"trade_count_limit": 5}, "trade_count_limit"),
        ({"max_quote_quantity": 5}, "max_quote_quantity"),
    ],
)
def test_a_setting_that_is_none_is_refused_by_name(
    bench: Bench, alice: Client, more: dict[str, Any], param: str
) -> None:
    error = alice.error("private/set_mmp_config", {"index_name": "all", "interval": 5, "frozen_time": 0} | more)
    assert (-32602, param) == (error["code"], error["data"]["param"])


def test_a_frozen_group_is_told_to_its_owner_after_the_reply(bench: Bench, alice: Client) -> None:
    channel = "user.mmp_trigger.hpu_usdc"
    assert [channel] == alice.result("private/subscribe", {"channels": [channel, "user.mmp_trigger.nothing"]})
    bob = bench.client("bob")
    bob.result("private/subscribe", {"channels": [channel]})
    bench.link.answers = [
        lambda command: (0, [bench.link.order_of(command), mmp_frame(ALICE, 3, 1_700_000_030_000 * 10**6)])
    ]
    before = len(alice.messages)
    alice.place("buy", TOKEN, 1, 19)
    reply, told = alice.messages[before:]
    assert "result" in reply
    wanted = {"index_name": "hpu_usdc", "mmp_group": "3", "frozen_until": 1_700_000_030_000, "block_rfq": False}
    assert wanted == told["params"]["data"]
    assert [] == bob.notifications(channel)
    (status,) = alice.result("private/get_mmp_status")
    assert wanted | {"index_name": "all"} == status
    assert [] == bob.result("private/get_mmp_status")
    alice.result("private/reset_mmp", {"mmp_group": "3"})
    assert [] == alice.result("private/get_mmp_status")


# -- disconnects and kills ------------------------------------------------------------------------------------


def test_the_accounts_own_cancel_on_disconnect_is_kept_by_the_core(bench: Bench) -> None:
    one, other = bench.client("alice"), bench.client("alice")
    assert "ok" == one.result("private/enable_cancel_on_disconnect", {"scope": "account"})
    assert commands.SetCancelOnDisconnect(ALICE, True) == bench.link.taken[-1]["cold"]
    assert {"enabled": True, "scope": "account"} == other.result(
        "private/get_cancel_on_disconnect", {"scope": "account"}
    )
    assert {"enabled": False, "scope": "connection"} == other.result("private/get_cancel_on_disconnect")
    one.session.lost()
    assert 1 == len(bench.link.taken), "the account has another session"
    other.session.lost()
    last = bench.link.taken[-1]
    assert (ALICE, other.session.origin) == (last["account"], last["origin"])


def test_a_logout_is_no_lost_session(bench: Bench) -> None:
    alice = bench.client("alice")
    alice.send("private/logout")
    alice.session.lost()
    assert [] == bench.link.taken


def test_a_client_kills_his_own_account_or_key_and_nothing_else(bench: Bench, alice: Client) -> None:
    assert "ok" == alice.result("private/x/set_kill_switch", {"on": True})
    assert commands.SetKillSwitch("own_account", ALICE, True, "client") == bench.link.taken[-1]["cold"]
    alice.result("private/x/set_kill_switch", {"on": False, "scope": "key"})
    assert commands.SetKillSwitch("own_account", ALICE, False, "client") == bench.link.taken[-1]["cold"], (
        "the only key of an account is the account"
    )
    for scope in ("venue", "instrument"):
        assert -32602 == alice.error("private/x/set_kill_switch", {"on": True, "scope": scope})["code"]
    bench.link.answers = [lambda command: (RejectCode.KILLED, [])]
    error = alice.error("private/buy", {"instrument_name": TOKEN, "amount": 1, "price": 19})
    assert (20013, "kill_switch") == (error["code"], error["message"])
