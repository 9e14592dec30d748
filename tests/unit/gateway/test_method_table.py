"""Goal: every method holds to its scope and survives any parameter. Method: generated from the table itself."""

import re
import typing
from pathlib import Path

import msgspec
import pytest

from gateway.errors import MESSAGES
from gateway.methods import METHODS
from tests.unit.gateway.harness import Bench, credentials

PRIVATE = sorted(name for name, spec in METHODS.items() if spec.scope)
NEEDED_BY_CCXT = [
    "public/get_time", "public/status", "public/get_currencies", "public/get_instruments", "public/ticker",
    "public/get_book_summary_by_currency", "public/get_tradingview_chart_data", "public/get_last_trades_by_instrument",
    "public/get_last_trades_by_instrument_and_time", "public/get_order_book", "public/auth", "public/subscribe",
    "private/subscribe", "private/get_subaccounts", "private/get_account_summaries", "private/get_account_summary",
    "private/get_order_state", "private/buy", "private/sell", "private/edit", "private/cancel", "private/cancel_all",
    "private/cancel_all_by_instrument", "private/get_open_orders_by_currency", "private/get_open_orders_by_instrument",
    "private/get_order_history_by_currency", "private/get_order_history_by_instrument",
    "private/get_user_trades_by_order", "private/get_user_trades_by_currency",
    "private/get_user_trades_by_currency_and_time", "private/get_user_trades_by_instrument",
    "private/get_user_trades_by_instrument_and_time", "private/get_position", "private/get_positions",
]  # fmt: skip


@pytest.mark.parametrize("name", NEEDED_BY_CCXT)
def test_what_ccxt_calls_is_there(name: str) -> None:
    assert name in METHODS


@pytest.mark.parametrize("name", PRIVATE)
def test_a_key_without_the_scope_is_refused(name: str) -> None:
    bench = Bench()
    client = bench.client()
    other = "trade:read" if METHODS[name].scope.startswith("account") else "account:read"
    client.result("public/auth", credentials("alice") | {"scope": other})
    error = client.error(name, smallest(name))
    assert (error["code"], error["data"]["scope"]) == (13021, METHODS[name].scope)


def smallest(name: str) -> dict[str, object]:
    """Parameters that pass the types."""
    filler: dict[object, object] = {"int": 1, "bool": True, "list": [], "Decimal": 1}
    params: dict[str, object] = {}
    for field in msgspec.structs.fields(METHODS[name].params):
        if field.required and field.name == "channels":
            params[field.name] = []
        elif field.required and typing.get_origin(field.type) is typing.Literal:
            params[field.name] = typing.get_args(field.type)[0]
        elif field.required:
            params[field.name] = filler.get(getattr(field.type, "__name__", ""), "x")
    return params


ODD = [None, True, -1, 2**63, 2**64, 1e300, "", "x" * 300, "NaN", "\u0000", [], {}, [[]], "1e-400", "-", "⅕"]


@pytest.mark.parametrize("name", sorted(set(METHODS) - {"private/logout"}))  # which rightly ends the session
def test_odd_parameters_are_answered_and_the_session_lives_on(name: str) -> None:
    bench = Bench()
    client = bench.client("alice")
    for field in msgspec.structs.fields(METHODS[name].params):
        for value in ODD:
            reply = client.call(name, smallest(name) | {field.name: value})
            assert "result" in reply or reply["error"]["code"] != 11094, (field.name, value)
    assert client.closed is None
    assert client.session.load == 0
    client.result("public/get_time")


PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "protocol.md").read_text(encoding="utf-8")


def test_the_page_lists_exactly_the_methods_there_are() -> None:
    assert set(re.findall(r"`((?:public|private)/[a-z0-9_/]+)", PAGE)) == set(METHODS)


def test_the_page_lists_exactly_the_errors_there_are() -> None:
    listed = {int(code): text for code, text in re.findall(r"^\| (-?\d+) \| ([A-Za-z_ ]+) \|", PAGE, re.MULTILINE)}
    assert listed == MESSAGES


def test_an_unknown_method_is_answered_with_its_id() -> None:
    error = Bench().client().error("public/get_nonsense")
    assert (error["code"], error["data"]["method"]) == (-32601, "public/get_nonsense")
