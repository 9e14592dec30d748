"""Goal: a request that says something twice, half, or about what is not the caller's own changes nothing and is told
why. Method: the real core in-process, sessions without sockets; state is compared before and after."""

from typing import Any

import pytest

from gateway.session import QUEUED_MAX
from tests.unit.gateway.harness import Bench, Client, credentials

TOKEN, FORWARD = "TH1A_USDC", "HPU_USDC-31JAN24"
ORDER = {"instrument_name": TOKEN, "amount": 2, "price": 19.5}


@pytest.fixture
def bench() -> Bench:
    return Bench()


def state(client: Client) -> list[Any]:
    return [client.result(f"private/{name}") for name in ("get_open_orders", "get_account_summaries", "get_positions")]


@pytest.mark.parametrize("method", ["private/buy", "private/cancel", "private/get_open_orders", "private/subscribe"])
@pytest.mark.parametrize("params", [{}, {"nonsense": 1}, {"amount": True}, {"access_token": ""}])
def test_who_is_not_signed_in_learns_only_that(bench: Bench, method: str, params: dict[str, Any]) -> None:
    error = bench.client().error(method, params)
    assert (error["code"], error["message"]) == (13009, "unauthorized")


def test_wrong_parameters_with_a_good_token_are_named_and_with_a_bad_one_are_not(bench: Bench) -> None:
    token = bench.client().result("public/auth", credentials("alice"))["access_token"]
    error = bench.client().error("private/buy", {**ORDER, "access_token": token, "amount": []})
    assert (error["code"], error["data"]["param"]) == (-32602, "amount")
    error = bench.client().error("private/buy", {**ORDER, "access_token": token[:-1], "amount": []})
    assert (error["code"], error["data"]["reason"]) == (13009, "invalid_token")
    error = bench.client().error("private/buy", {**ORDER, "access_token": 5})
    assert error["code"] == 13009


def test_a_key_without_the_scope_is_told_so_before_its_parameters_are_judged(bench: Bench) -> None:
    client = bench.client()
    client.result("public/auth", {**credentials("alice"), "scope": "account:read"})
    assert client.error("private/buy", {"amount": []})["code"] == 13021


def test_contracts_and_amount_must_agree(bench: Bench) -> None:
    alice = bench.client("alice")
    before = state(alice)
    for contracts in (1, -1, 2.5, 1e300):
        error = alice.error("private/buy", {**ORDER, "contracts": contracts})
        assert (error["code"], error["data"]["param"]) == (-32602, "contracts")
    assert state(alice) == before
    order = alice.result("private/buy", {**ORDER, "contracts": 2})["order"]
    error = alice.error("private/edit", {"order_id": order["order_id"], "amount": 3, "contracts": 4, "price": 19.5})
    assert error["data"]["param"] == "contracts"
    assert alice.result("private/get_order_state", {"order_id": order["order_id"]})["amount"] == 2


def test_a_reduce_only_order_where_there_are_no_positions_names_the_field(bench: Bench) -> None:
    error = bench.client("alice").error("private/buy", {**ORDER, "reduce_only": True})
    assert (error["code"], error["data"]["param"]) == (11029, "reduce_only")


def test_only_an_orders_own_id_means_it(bench: Bench) -> None:
    alice = bench.client("alice")
    order_id = alice.place("buy", TOKEN, 2, 19.5)["order"]["order_id"]
    instrument, number = order_id.split("-")
    aliases = [f"0{order_id}", f"{instrument}-0{number}", f"{instrument}-+{number}", f" {order_id}", f"{order_id}\0"]
    aliases += [
        f"{instrument}-0",
        f"{instrument}-{int(number) + 2**64}",
        f"{instrument}-{number}_0",
        "",
        "-",
        order_id * 99,
    ]
    for alias in aliases:
        for method, more in (
            ("cancel", {}),
            ("get_order_state", {}),
            ("get_user_trades_by_order", {}),
            ("edit", {"amount": 1, "price": 19.4}),
        ):
            error = alice.error(f"private/{method}", {"order_id": alias, **more})
            assert (error["code"], error["data"]["param"]) == (10004, "order_id"), (method, alias)
    assert [order["order_id"] for order in alice.result("private/get_open_orders")] == [order_id]


def test_an_order_is_not_shown_or_changed_under_another_instrument(bench: Bench) -> None:
    alice = bench.client("alice")
    number = alice.place("buy", TOKEN, 2, 19.5)["order"]["order_id"].split("-")[1]
    other = alice.result("public/get_instrument", {"instrument_name": FORWARD})["instrument_id"]
    wrong = f"{other}-{number}"
    assert alice.error("private/get_order_state", {"order_id": wrong})["code"] == 10004
    assert alice.error("private/edit", {"order_id": wrong, "price": 19.4})["code"] == 10004


def test_an_order_number_that_does_not_exist_yet_is_unknown_at_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: object, **__: object) -> None:
        raise AssertionError("the history was asked to wait for the future")

    monkeypatch.setattr(bench.link.history, "order", never)
    instrument = bench.client("alice").place("buy", TOKEN, 2, 19.5)["order"]["order_id"].split("-")[0]
    error = bench.client("alice").error("private/get_order_state", {"order_id": f"{instrument}-{2**40}"})
    assert error["code"] == 10004


def test_another_accounts_order_is_an_unknown_order_and_stays_as_it_is(bench: Bench) -> None:
    alice, bob = bench.client("alice"), bench.client("bob")
    order_id = alice.place("buy", TOKEN, 2, 19.5)["order"]["order_id"]
    before = state(alice)
    for method, more in (("cancel", {}), ("get_order_state", {}), ("edit", {"amount": 1, "price": 19.4})):
        assert bob.error(f"private/{method}", {"order_id": order_id, **more})["code"] == 10004
    assert bob.result("private/get_user_trades_by_order", {"order_id": order_id}) == []
    assert bob.result("private/cancel_all") == 0
    assert state(alice) == before


@pytest.mark.parametrize("word", ["admin", "trade", "trade:write", "ip:1.2.3.4", "expires:0", "expires:x", "session:"])
def test_a_scope_word_that_cannot_be_honoured_grants_nothing(bench: Bench, word: str) -> None:
    client = bench.client()
    error = client.error("public/auth", {**credentials("alice"), "scope": f"account:read {word}"})
    assert (error["code"], error["data"]["param"]) == (-32602, "scope")
    assert client.error("private/get_open_orders")["code"] == 13009


def test_a_token_can_be_asked_for_with_a_shorter_life_never_with_a_longer_one(bench: Bench) -> None:
    client = bench.client()
    short = client.result("public/auth", {**credentials("alice"), "scope": "expires:10 session:mine"})
    assert (short["expires_in"], short["scope"].split()[-1]) == (10, "session:mine")
    bench.now_ns += 11 * 10**9
    error = bench.client().error("private/get_open_orders", {"access_token": short["access_token"]})
    assert error["code"] == 13009
    long = client.result("public/auth", {**credentials("alice"), "scope": "expires:999999999"})
    assert long["expires_in"] == bench.config.access_token_s


def test_requests_behind_a_slow_one_make_the_connection_crowded_until_it_is_done() -> None:
    bench = Bench(later=True)
    client = bench.client()
    client.send("public/auth", credentials("alice"))
    bench.run_later()
    resumed: list[None] = []
    client.send("private/get_open_orders")
    for _ in range(QUEUED_MAX):
        assert not client.session.crowded
        client.send("public/test")
    assert client.session.crowded
    client.session.resume_reading = lambda: resumed.append(None)
    bench.run_later()
    assert not client.session.crowded
    assert len(resumed) == 1
