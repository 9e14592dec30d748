"""Goal: what takes several commands is answered once, in order, and leaves nothing half done. Method: a core on paper
that answers each record as the test says."""

from typing import Any

import msgspec
import pytest

from domain.constants import (
    ANY,
    ANY_INSTRUMENT,
    COMMAND_AMEND_ORDER,
    COMMAND_CANCEL_ORDER,
    COMMAND_NEW_ORDER,
    ORDER_FILLED,
    SELL,
    TRIGGER_DOWN,
)
from domain.rejects import RejectCode
from tests.unit.gateway.harness import Bench
from tests.unit.gateway.inprocess import ALICE, BTC_USDC, HPB, HPU, TH1A_BTC, TH1A_USDC
from tests.unit.gateway.paper import PaperLink, order_frame

TOKEN, FORWARD = "TH1A_USDC", "HPU_USDC-31JAN24"
LIMIT_ORDER = {"instrument_name": TOKEN, "amount": 3, "price": 20.5}
STOP = {"direction": "sell", "amount": 3, "type": "stop_market", "trigger": "last_price", "trigger_price": 18}
PAIR = LIMIT_ORDER | {"linked_order_type": "one_cancels_other", "otoco_config": [STOP]}


@pytest.fixture
def bench() -> Bench:
    return Bench(link=PaperLink())


def refuses(code: int, value: int = 0, detail: int = 0) -> Any:
    def answer(command: dict[str, Any]) -> tuple[int, list[bytes]]:
        command["value"], command["detail"] = value, detail
        return code, []

    return answer


# -- one cancels other ----------------------------------------------------------------------------------------


def test_a_pair_is_two_orders_of_which_the_second_names_the_first(bench: Bench) -> None:
    answer = bench.client("alice").result("private/sell", PAIR)
    first, second = bench.link.taken
    assert (0, 101, TRIGGER_DOWN) == (first["oco"], second["oco"], second["trigger"])
    assert first["request"] != second["request"]
    assert answer["order"]["order_id"] == "1-101"
    assert answer["x_linked"]["order"]["oco_ref"] == "1-101"
    assert (answer["trades"], answer["x_linked"]["trades"]) == ([], [])


def test_later_requests_wait_until_a_pair_is_complete_and_are_answered_after_it(bench: Bench) -> None:
    alice = bench.client("alice")
    before = len(alice.messages)
    for number, (method, params) in enumerate(
        [("private/sell", PAIR), ("private/buy", LIMIT_ORDER), ("public/test", {})]
    ):
        alice.session.receive(
            b'{"jsonrpc":"2.0","id":%d,"method":"%b","params":%b}' % (number, method.encode(), json(params)), 0
        )
    for _ in range(4):
        bench.settle()
    assert [0, 1, 2] == [message["id"] for message in alice.messages[before:]]
    assert ["result"] * 3 == [("result" if "result" in message else "error") for message in alice.messages[before:]]


def json(params: dict[str, Any]) -> bytes:
    return msgspec.json.encode(params)


def test_when_the_second_is_refused_the_first_is_cancelled_and_the_refusal_told(bench: Bench) -> None:
    bench.link.answers = [bench.link.rests, refuses(RejectCode.TRIGGER_PRICE)]
    alice = bench.client("alice")
    error = alice.error("private/sell", PAIR)
    assert (error["code"], error["data"]["x_order"], error["data"]["x_first_order_id"]) == (11036, "second", "1-101")
    assert [COMMAND_NEW_ORDER, COMMAND_NEW_ORDER, COMMAND_CANCEL_ORDER] == [c["kind"] for c in bench.link.taken]
    assert 101 == bench.link.taken[-1]["order_id"]
    assert alice.result("public/test")


def test_when_the_first_is_refused_or_filled_no_second_is_sent(bench: Bench) -> None:
    alice = bench.client("alice")
    bench.link.answers = [refuses(RejectCode.PRICE_BAND)]
    assert alice.error("private/sell", PAIR)["code"] == 10023
    filled = lambda command: (0, [bench.link.order_of(command, state=ORDER_FILLED, filled_lots=3)])  # noqa: E731
    bench.link.answers = [filled]
    assert alice.result("private/sell", PAIR)["order"]["order_state"] == "filled"
    assert 2 == len(bench.link.taken)


def test_when_the_first_is_gone_before_the_second_comes_there_is_no_pair_and_no_error(bench: Bench) -> None:
    bench.link.answers = [bench.link.rests, refuses(RejectCode.OCO_UNKNOWN)]
    answer = bench.client("alice").result("private/sell", PAIR)
    assert (answer["order"]["order_id"], "x_linked" in answer) == ("1-101", False)


def test_a_second_order_that_is_no_order_is_refused_before_the_first_is_sent(bench: Bench) -> None:
    bad = PAIR | {"otoco_config": [STOP | {"trigger_price": 18.001}]}
    error = bench.client("alice").error("private/sell", bad)
    assert (error["code"], error["data"]["x_order"]) == (10044, "second")
    assert bench.client("alice").error("private/sell", PAIR | {"otoco_config": [STOP, STOP]})["code"] == -32602
    elsewhere = PAIR | {"otoco_config": [STOP | {"instrument_name": FORWARD}]}
    assert bench.client("alice").error("private/sell", elsewhere)["code"] == -32602
    assert [] == bench.link.taken


# -- edits and cancels that come too late --------------------------------------------------------------------


@pytest.mark.parametrize("method", ["private/cancel", "private/edit"])
def test_an_own_order_that_is_gone_is_told_with_its_end(bench: Bench, method: str) -> None:
    alice = bench.client("alice")
    params = {"order_id": "1-50"} | ({"amount": 1, "price": 19} if method == "private/edit" else {})
    bench.link.answers = [refuses(RejectCode.ORDER_ALREADY_FILLED, value=3)]
    error = alice.error(method, params)
    assert (error["code"], error["message"]) == (11008, "already_filled")
    assert (error["data"]["order_state"], error["data"]["filled_amount"]) == ("filled", 3)
    bench.link.answers = [refuses(RejectCode.ORDER_ALREADY_CLOSED, value=1, detail=1)]
    error = alice.error(method, params)
    assert (error["code"], error["data"]["cancel_reason"]) == (10010, "user_request")
    assert (error["data"]["order_state"], error["data"]["order_id"]) == ("cancelled", "1-50")
    bench.link.answers = [refuses(RejectCode.UNKNOWN_ORDER)]
    assert alice.error(method, params)["code"] == 10004


def test_an_edit_says_price_total_trigger_and_whether_it_may_trade(bench: Bench) -> None:
    alice = bench.client("alice")
    alice.result("private/edit", {"order_id": "1-50", "amount": 4, "price": 19.5, "trigger_price": 21.25})
    taken = bench.link.taken[-1]
    assert (1_950, 4, 2_125, 255) == (
        taken["price_ticks"], taken["total_lots"], taken["trigger_ticks"], taken["post_only"],
    )  # fmt: skip
    for given, sent in ((True, 1), (False, 0)):
        alice.result("private/edit", {"order_id": "1-50", "amount": 4, "price": 19.5, "post_only": given})
        assert sent == bench.link.taken[-1]["post_only"]


def test_an_edit_by_label_needs_exactly_one_open_order_of_that_label(bench: Bench) -> None:
    alice = bench.client("alice")
    params = {"label": "mine", "instrument_name": TOKEN, "price": 19}

    def frame(order_id: int, instrument: int = TH1A_USDC) -> bytes:
        return order_frame(
            order_id=order_id, account=ALICE, instrument=instrument, label="mine", total_lots=7, price_ticks=1_800
        )

    bench.link.open = [frame(40, HPU)]
    error = alice.error("private/edit_by_label", params)
    assert (error["code"], error["data"]["param"]) == (10004, "label")
    bench.link.open.append(frame(41))
    assert alice.result("private/edit_by_label", params)["order"]["order_id"] == "1-41"
    assert (COMMAND_AMEND_ORDER, 1_900, 7) == tuple(
        bench.link.taken[-1][name] for name in ("kind", "price_ticks", "total_lots")
    )
    bench.link.open.append(frame(42))
    assert alice.error("private/edit_by_label", params)["code"] == 11029


# -- mass cancels ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "params", "instruments"),
    [
        ("private/cancel_all", {}, [ANY_INSTRUMENT]),
        ("private/cancel_all_by_instrument", {"instrument_name": TOKEN}, [TH1A_USDC]),
        ("private/cancel_all_by_currency", {"currency": "TH1A"}, [TH1A_BTC, TH1A_USDC]),
        ("private/cancel_all_by_currency", {"currency": "USDC", "kind": "future"}, [HPU]),
        ("private/cancel_all_by_kind_or_type", {"currency": ["HPU", "HPB"], "kind": "any"}, [HPU, HPB]),
        ("private/cancel_all_by_kind_or_type", {"currency": "any", "kind": "future"}, [HPU, HPB]),
        ("private/cancel_all_by_currency_pair", {"currency_pair": "btc_usdc"}, [BTC_USDC]),
        ("private/cancel_by_label", {"label": "mine"}, [ANY_INSTRUMENT]),
        ("private/cancel_by_label", {"label": "mine", "currency": "HPU"}, [HPU]),
        ("private/cancel_quotes", {"cancel_type": "all"}, [ANY_INSTRUMENT]),
        ("private/cancel_quotes", {"cancel_type": "instrument", "instrument_name": TOKEN}, [TH1A_USDC]),
        ("private/cancel_quotes", {"cancel_type": "currency", "currency": "TH1A"}, [TH1A_BTC, TH1A_USDC]),
        ("private/cancel_quotes", {"cancel_type": "instrument_kind", "kind": "future"}, [HPU, HPB]),
        ("private/cancel_quotes", {"cancel_type": "currency_pair", "currency_pair": "th1a_btc"}, [TH1A_BTC]),
        ("private/cancel_quotes", {"cancel_type": "quote_set_id", "quote_set_id": "A1"}, [ANY_INSTRUMENT]),
    ],
)
def test_a_mass_cancel_reaches_its_markets_and_counts_over_all_of_them(
    bench: Bench, method: str, params: dict[str, Any], instruments: list[int]
) -> None:
    answer = bench.client("alice").result(method, params)
    assert instruments == [command["instrument"] for command in bench.link.taken]
    assert len(instruments) == answer
    quotes = method == "private/cancel_quotes"
    assert {quotes} == {bool(command["only_quotes"]) for command in bench.link.taken}
    assert {params.get("label", "")} == {command["label"] for command in bench.link.taken}
    wanted = (1, int.from_bytes(b"A1", "big")) if "quote_set_id" in params else (0, 0)
    assert {wanted} == {(command["in_set"], command["quote_set"]) for command in bench.link.taken}


def test_a_mass_cancel_may_be_narrowed_to_a_side_and_a_range_of_limits(bench: Bench) -> None:
    alice = bench.client("alice")
    alice.result("private/cancel_all", {"x_side": "sell"})
    taken = bench.link.taken[-1]
    assert (SELL, 0) == (taken["side"], taken["ranged"])
    alice.result(
        "private/cancel_all_by_instrument", {"instrument_name": TOKEN, "x_price_low": 19, "x_price_high": "20.5"}
    )
    taken = bench.link.taken[-1]
    assert (ANY, 1, 1_900, 2_050) == tuple(
        taken[name] for name in ("side", "ranged", "price_low_ticks", "price_high_ticks")
    )
    alice.result("private/cancel_all_by_instrument", {"instrument_name": TOKEN, "x_price_low": 19})
    assert (1_900, 10_000_000) == (bench.link.taken[-1]["price_low_ticks"], bench.link.taken[-1]["price_high_ticks"])


@pytest.mark.parametrize(
    ("kind", "cancelled"),
    [("limit", [40]), ("trigger_all", [41, 42, 43]), ("stop", [41]), ("take", [42]), ("trailing_stop", [43])],
)
def test_a_mass_cancel_by_type_looks_the_orders_up_and_cancels_those(
    bench: Bench, kind: str, cancelled: list[int]
) -> None:
    bench.link.open = [
        order_frame(order_id=40, account=ALICE, instrument=TH1A_USDC),
        order_frame(order_id=41, account=ALICE, instrument=TH1A_USDC, state=5, trigger=1, trigger_ticks=9),
        order_frame(order_id=42, account=ALICE, instrument=TH1A_USDC, state=5, trigger=2, trigger_ticks=9),
        order_frame(order_id=43, account=ALICE, instrument=TH1A_USDC, state=5, trail_ticks=5),
        order_frame(order_id=44, account=ALICE, instrument=HPU, state=5, trail_ticks=5),
    ]
    params = {"instrument_name": TOKEN, "type": kind}
    bench.link.answers = [bench.link.rests, refuses(RejectCode.ORDER_ALREADY_FILLED)]  # one is gone when it comes
    count = bench.client("alice").result("private/cancel_all_by_instrument", params)
    assert cancelled == [command["order_id"] for command in bench.link.taken]
    assert count == len(cancelled) - (len(cancelled) > 1)


def test_a_filter_is_looked_up_only_after_the_commands_ahead_are_answered(bench: Bench) -> None:
    alice = bench.client("alice")
    seen: list[int] = []
    read = bench.link.read

    async def watched(request: Any) -> Any:
        seen.append(len(bench.link.taken))
        return await read(request)

    bench.link.read = watched
    order = b'{"jsonrpc":"2.0","id":1,"method":"private/buy","params":%b}' % json(LIMIT_ORDER)
    cancel = b'{"jsonrpc":"2.0","id":2,"method":"private/cancel_all_by_instrument","params":%b}'
    alice.session.receive(order, 0)
    alice.session.receive(cancel % json({"instrument_name": TOKEN, "type": "stop"}), 0)
    assert [] == seen
    bench.settle()
    assert [1] == seen


def test_a_session_that_is_lost_while_its_filter_waits_looks_nothing_up(bench: Bench) -> None:
    alice = bench.client("alice")
    order = b'{"jsonrpc":"2.0","id":1,"method":"private/buy","params":%b}' % json(LIMIT_ORDER)
    cancel = b'{"jsonrpc":"2.0","id":2,"method":"private/cancel_all_by_instrument","params":%b}'
    alice.session.receive(order, 0)
    alice.session.receive(cancel % json({"instrument_name": TOKEN, "type": "limit"}), 0)
    bench.link.open = [order_frame(order_id=40, account=ALICE, instrument=TH1A_USDC)]
    alice.session.lost()
    bench.settle()
    assert COMMAND_CANCEL_ORDER not in [command["kind"] for command in bench.link.taken]


def test_a_core_that_goes_away_in_the_middle_of_a_pair_is_told_as_unknown_and_the_session_goes_on(bench: Bench) -> None:
    alice = bench.client("alice")
    alice.session.receive(b'{"jsonrpc":"2.0","id":"p","method":"private/sell","params":%b}' % json(PAIR), 0)
    bench.venue.desk.flush()
    bench.link.away = True
    bench.venue.on_away()
    assert ("p", 20003) == (alice.messages[-1]["id"], alice.messages[-1]["error"]["code"])
    assert alice.result("public/test")


@pytest.mark.parametrize(
    ("method", "params", "param"),
    [
        ("private/cancel_all", {"detailed": True}, "detailed"),
        ("private/cancel_all", {"freeze_quotes": True}, "freeze_quotes"),
        ("private/cancel_by_label", {"label": ""}, "label"),
        ("private/cancel_by_label", {"label": "x" * 65}, "label"),
        ("private/cancel_all_by_currency_pair", {"currency_pair": "btc_xyz"}, "currency_pair"),
        (
            "private/cancel_all_by_instrument",
            {"instrument_name": TOKEN, "type": "stop", "x_price_low": 1},
            "x_price_low",
        ),
        ("private/cancel_quotes", {"cancel_type": "delta", "min_delta": 1}, "min_delta"),
        ("private/cancel_quotes", {"cancel_type": "delta"}, "cancel_type"),
        ("private/cancel_quotes", {"cancel_type": "quote_set_id", "quote_set_id": "ninebytes"}, "quote_set_id"),
    ],
)
def test_what_is_not_offered_is_refused_by_name(bench: Bench, method: str, params: dict[str, Any], param: str) -> None:
    error = bench.client("alice").error(method, params)
    assert (-32602, param) == (error["code"], error["data"]["param"])
    assert [] == bench.link.taken
