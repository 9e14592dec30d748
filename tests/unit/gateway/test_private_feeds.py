"""Goal: an account sees its own orders, trades and balances, in order and nobody else's. Method: sessions over the
real core."""

import pytest

from domain import commands
from tests.unit.gateway.harness import Bench
from tests.unit.gateway.inprocess import ALICE, FORWARD_DAYS

TOKEN, FORWARD = "TH1A_USDC", "HPU_USDC-31JAN24"
ORDERS, TRADES = "user.orders.any.any.raw", "user.trades.any.any.raw"


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_the_reply_comes_first_then_trades_then_orders_then_public_feeds(bench: Bench) -> None:
    bench.client("alice").place("sell", TOKEN, 1, 20)
    bob = bench.client("bob")
    channels = [f"book.{TOKEN}.raw", f"trades.{TOKEN}.raw", ORDERS, TRADES]
    bob.result("private/subscribe", {"channels": channels})
    before = len(bob.messages)
    bob.place("buy", TOKEN, 2, 20)
    kinds = [message["params"]["channel"] if "params" in message else "reply" for message in bob.messages[before:]]
    assert kinds[:3] == ["reply", TRADES, ORDERS]
    assert sorted(kinds[3:]) == sorted(channels[:2])


def test_the_maker_hears_of_its_fill_with_its_own_side_and_fee(bench: Bench) -> None:
    alice = bench.client("alice")
    alice.result("private/subscribe", {"channels": [ORDERS, TRADES]})
    alice.place("sell", TOKEN, 2, 20, label="ask")
    bench.client("bob").place("buy", TOKEN, 1, 20)
    (trades,) = alice.notifications(TRADES)
    (trade,) = trades
    assert (trade["direction"], trade["liquidity"], trade["label"], trade["fee"]) == ("sell", "M", "ask", 0)
    opened, filled = alice.notifications(ORDERS)
    assert (opened["filled_amount"], filled["filled_amount"], filled["order_state"]) == (0, 1, "open")
    assert trade["order_id"] == filled["order_id"]


def test_nobody_hears_of_the_orders_of_others(bench: Bench) -> None:
    carol = bench.client("carol")
    carol.result("private/subscribe", {"channels": [ORDERS, TRADES, "user.portfolio.any", "user.changes.any.any.raw"]})
    bench.ticks()
    before = len(carol.messages)
    bench.client("alice").place("sell", TOKEN, 1, 20)
    bench.client("bob").place("buy", TOKEN, 1, 20)
    bench.ticks()
    assert carol.messages[before:] == []


def test_two_sessions_of_one_account_hear_of_each_others_orders(bench: Bench) -> None:
    one, other = bench.client("alice"), bench.client("alice")
    other.result("private/subscribe", {"channels": [ORDERS]})
    one.place("buy", TOKEN, 1, 19)
    assert len(other.notifications(ORDERS)) == 1


@pytest.mark.parametrize(
    ("channel", "heard"),
    [
        (f"user.orders.{TOKEN}.raw", True),
        (f"user.orders.{FORWARD}.raw", False),
        ("user.orders.spot.any.raw", True),
        ("user.orders.future.any.raw", False),
        ("user.orders.any.USDC.raw", True),
        ("user.orders.any.btc.raw", False),
    ],
)
def test_channel_filters_by_instrument_kind_and_currency(bench: Bench, channel: str, heard: bool) -> None:
    alice = bench.client("alice")
    assert alice.result("private/subscribe", {"channels": [channel]}) == [channel]
    alice.place("buy", TOKEN, 1, 19)
    assert bool(alice.notifications(channel)) is heard


def test_joined_private_channels_send_arrays_on_the_tick(bench: Bench) -> None:
    alice = bench.client("alice")
    channel = "user.orders.any.any.100ms"
    alice.result("private/subscribe", {"channels": [channel]})
    alice.place("buy", TOKEN, 1, 19)
    alice.place("buy", TOKEN, 1, 18)
    assert alice.notifications(channel) == []
    bench.ticks()
    (both,) = alice.notifications(channel)
    assert [order["price"] for order in both] == [19, 18]


def test_the_portfolio_is_sent_at_once_and_when_money_moves(bench: Bench) -> None:
    alice = bench.client("alice")
    channels = ["user.portfolio.USDC", "user.portfolio.ETH"]
    assert alice.result("private/subscribe", {"channels": channels}) == channels[:1], "there is no ETH here"
    bench.ticks()
    assert [row["equity"] for row in alice.notifications(channels[0])] == [1_000_000]
    bench.ticks()
    assert len(alice.notifications(channels[0])) == 1, "nothing moved"
    alice.place("buy", TOKEN, 10, 20)
    bench.ticks()
    last = alice.notifications(channels[0])[-1]
    assert last["equity"] == 1_000_000
    assert last["spot_reserve"] == 200.1
    assert last["available_funds"] == 999_799.9
    bench.link.command(commands.Deposit(ALICE, "USDC", 5 * 10**6, "more"))
    bench.settle()
    bench.ticks()
    assert alice.notifications(channels[0])[-1]["equity"] == 1_000_005


def test_changes_hold_orders_trades_and_the_position_they_led_to(bench: Bench) -> None:
    bench.client("alice").place("sell", FORWARD, FORWARD_DAYS, 60)
    bob = bench.client("bob")
    channel = f"user.changes.{FORWARD}.raw"
    bob.result("private/subscribe", {"channels": [channel]})
    bob.place("buy", FORWARD, FORWARD_DAYS, 60)
    bench.ticks()
    (change,) = bob.notifications(channel)
    assert change["instrument_name"] == FORWARD
    assert [order["order_state"] for order in change["orders"]] == ["filled"]
    assert [trade["amount"] for trade in change["trades"]] == [FORWARD_DAYS]
    assert [(position["size"], position["direction"]) for position in change["position"]] == [(FORWARD_DAYS, "buy")]


def test_authenticating_as_somebody_else_ends_the_private_subscriptions(bench: Bench) -> None:
    from tests.unit.gateway.harness import credentials

    session = bench.client("alice")
    session.result("private/subscribe", {"channels": [ORDERS, f"quote.{TOKEN}"]})
    session.result("public/auth", credentials("bob"))
    assert list(session.session.subscriptions) == [f"quote.{TOKEN}"]
    bench.client("alice").place("buy", TOKEN, 1, 19)
    assert session.notifications(ORDERS) == []


def test_a_lost_session_leaves_no_subscription_behind(bench: Bench) -> None:
    alice = bench.client("alice")
    alice.result("private/subscribe", {"channels": [ORDERS, TRADES, "user.portfolio.BTC", f"book.{TOKEN}.raw"]})
    alice.session.lost()
    assert bench.venue.private.watched == {}
    assert bench.venue.connections == {}
    bench.client("bob").place("buy", TOKEN, 1, 19)
    bench.ticks()
