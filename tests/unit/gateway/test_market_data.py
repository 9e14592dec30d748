"""Goal: public channels give every reader a true picture without gaps. Method: random orders through the real core; a
replica built from the channel alone is compared with the core's own image after every step."""

import random
from typing import Any

import pytest

from domain.reads import ReadImage
from gateway.config import GatewayConfig
from tests.unit.gateway.harness import Bench, Client, run_now
from tests.unit.gateway.inprocess import TH1A_USDC

TOKEN = "TH1A_USDC"


@pytest.fixture
def bench() -> Bench:
    return Bench()


class Replica:
    """A book kept the way existing clients keep it, refusing what they could not digest."""

    def __init__(self) -> None:
        self.sides: dict[str, dict[float, float]] = {"bids": {}, "asks": {}}
        self.change_id = 0
        self.seen = 0

    def take(self, messages: list[dict[str, Any]]) -> None:
        for message in messages[self.seen :]:
            if message["type"] == "snapshot":
                assert self.seen == 0, "only the first message is a snapshot"
                assert "prev_change_id" not in message
            else:
                assert message["prev_change_id"] == self.change_id, "no gap"
            self.seen += 1
            self.change_id = message["change_id"]
            for name, levels in self.sides.items():
                for action, price, amount in message[name]:
                    if action == "delete":
                        assert amount == 0
                        del levels[price]  # a level never shown would raise
                    else:
                        assert (price in levels) == (action == "change")
                        levels[price] = amount


def core_book(bench: Bench) -> dict[str, dict[float, float]]:
    """The book as the core has it."""
    image = run_now(bench.link.read(ReadImage()))
    book = image.books[TH1A_USDC]
    return {
        "bids": {price / 100: lots for price, lots in book.bids},
        "asks": {price / 100: lots for price, lots in book.asks},
    }


def random_step(rng: random.Random, clients: list[Client]) -> None:
    """Place, sweep or cancel."""
    client = rng.choice(clients)
    kind = rng.random()
    if kind < 0.75:
        side = rng.choice(["buy", "sell"])
        client.send(
            f"private/{side}",
            {"instrument_name": TOKEN, "amount": rng.randint(1, 5), "price": 20 + rng.randint(-8, 8) / 100},
        )
    elif kind < 0.9:
        client.send("private/sell", {"instrument_name": TOKEN, "amount": 3, "type": "market"})
    else:
        client.send("private/cancel_all_by_instrument", {"instrument_name": TOKEN})


@pytest.mark.parametrize("interval", ["raw", "100ms", "agg2"])
@pytest.mark.parametrize("seed", range(4))
def test_a_book_channel_leads_every_reader_to_the_cores_book_without_a_gap(
    bench: Bench, interval: str, seed: int
) -> None:
    rng = random.Random(seed)
    traders = [bench.client("alice"), bench.client("bob")]
    readers: list[tuple[Client, Replica]] = []
    channel = f"book.{TOKEN}.{interval}"
    for step in range(200):
        random_step(rng, traders)
        if step % 50 == 10:  # late readers join a channel that has pending changes
            reader = bench.client()
            assert reader.result("public/subscribe", {"channels": [channel]}) == [channel]
            readers.append((reader, Replica()))
        if step % 7 == 0 or interval == "raw":
            bench.ticks()
            for reader, replica in readers:
                replica.take(reader.notifications(channel))
                assert replica.sides == core_book(bench)
    assert all(replica.seen > 3 for _, replica in readers)


def test_a_slow_reader_of_a_joined_book_gets_one_exact_change_when_it_is_back(bench: Bench) -> None:
    rng = random.Random(5)
    traders = [bench.client("alice"), bench.client("bob")]
    slow, fast = bench.client(), bench.client()
    channel = f"book.{TOKEN}.100ms"
    replicas = {slow: Replica(), fast: Replica()}
    for reader in replicas:
        reader.result("public/subscribe", {"channels": [channel]})
    for step in range(120):
        slow.unsent_bytes = 10**6 if 30 <= step < 90 else 0
        random_step(rng, traders)
        bench.ticks()
        replicas[fast].take(fast.notifications(channel))
        assert replicas[fast].sides == core_book(bench)
        if step == 89:
            assert replicas[slow].sides != core_book(bench), "it really was behind"
        replicas[slow].take(slow.notifications(channel))
    assert replicas[slow].sides == core_book(bench)
    assert replicas[slow].change_id == replicas[fast].change_id
    assert replicas[slow].seen < replicas[fast].seen


def test_a_slow_reader_of_a_raw_book_is_closed_with_a_reason(bench: Bench) -> None:
    alice, slow = bench.client("alice"), bench.client()
    slow.result("public/subscribe", {"channels": [f"book.{TOKEN}.raw"]})
    slow.unsent_bytes = 10**6
    alice.place("buy", TOKEN, 1, 19)
    assert slow.closed == (1008, "reads too slowly for a raw book")


def test_a_reader_that_never_reads_is_dropped() -> None:
    bench = Bench(GatewayConfig(keys_path="", output_hard_bytes=1_000))
    alice, dead = bench.client("alice"), bench.client()
    dead.result("public/subscribe", {"channels": [f"trades.{TOKEN}.raw"]})
    dead.unsent_bytes = 2_000
    alice.place("buy", TOKEN, 1, 19)
    bench.client("bob").place("sell", TOKEN, 1, 19)
    assert dead.aborted


def test_the_reply_to_a_subscription_comes_before_its_first_message(bench: Bench) -> None:
    reader = bench.client()
    reader.send("public/subscribe", {"channels": [f"book.{TOKEN}.raw", f"ticker.{TOKEN}.100ms", f"quote.{TOKEN}"]})
    assert "result" in reader.messages[0]
    assert [message["params"]["channel"] for message in reader.messages[1:]] == reader.messages[0]["result"]


@pytest.mark.parametrize(
    "channel",
    [
        "", ".", "book", "book.", "book.NOPE.raw", f"book.{TOKEN}", f"book.{TOKEN}.1s", f"book.{TOKEN}.none.7.100ms",
        f"ticker.{TOKEN}", f"ticker.{TOKEN}.x", f"quote.{TOKEN}.raw", "trades.spot.XXX.raw", f"chart.trades.{TOKEN}.2",
        f"chart.{TOKEN}.1", "user.orders.any.any.raw", "user.portfolio.BTC", "a.b.c.d.e.f",
        f"trades.{TOKEN}.raw.raw.raw",
    ],
)  # fmt: skip
def test_unknown_or_forbidden_channels_make_the_accepted_list_shorter_and_are_no_error(
    bench: Bench, channel: str
) -> None:
    reader = bench.client()
    good = f"trades.{TOKEN}.raw"
    assert reader.result("public/subscribe", {"channels": [channel, good]}) == [good]


def test_trades_are_published_as_they_happen_and_joined_ones_on_the_tick(bench: Bench) -> None:
    reader = bench.client()
    channels = [f"trades.{TOKEN}.raw", f"trades.{TOKEN}.100ms", "trades.spot.USDC.raw", "trades.any.any.100ms"]
    assert reader.result("public/subscribe", {"channels": channels}) == channels
    bench.client("alice").place("buy", TOKEN, 3, 19)
    bob = bench.client("bob")
    bob.place("sell", TOKEN, 1, 19)
    bob.place("sell", TOKEN, 2, 19)
    assert [len(data) for data in reader.notifications(channels[0])] == [1, 1]
    assert [len(data) for data in reader.notifications(channels[2])] == [1, 1]
    assert reader.notifications(channels[1]) == []
    bench.ticks()
    (joined,) = reader.notifications(channels[1])
    assert [(trade["amount"], trade["price"], trade["direction"]) for trade in joined] == [
        (1, 19, "sell"), (2, 19, "sell"),
    ]  # fmt: skip
    assert [trade["trade_seq"] for trade in joined] == [1, 2]
    assert {"trade_id", "timestamp", "tick_direction", "index_price", "mark_price"} <= set(joined[0])
    assert len(reader.notifications(channels[3])) == 1


def test_quotes_are_sent_when_the_best_level_moves_and_only_then(bench: Bench) -> None:
    reader, alice = bench.client(), bench.client("alice")
    channel = f"quote.{TOKEN}"
    reader.result("public/subscribe", {"channels": [channel]})
    alice.place("buy", TOKEN, 1, 19)
    alice.place("buy", TOKEN, 1, 18)
    alice.place("sell", TOKEN, 2, 21)
    first, second, third = reader.notifications(channel)
    assert (first["best_bid_price"], first["best_ask_price"]) == (0, 0)
    assert (second["best_bid_price"], second["best_bid_amount"]) == (19, 1)
    assert (third["best_bid_price"], third["best_ask_price"], third["best_ask_amount"]) == (19, 21, 2)


def test_the_ticker_shows_best_prices_and_the_last_24_hours(bench: Bench) -> None:
    alice, bob = bench.client("alice"), bench.client("bob")
    alice.place("buy", TOKEN, 5, 19)
    bob.place("sell", TOKEN, 1, 19)
    alice.place("sell", TOKEN, 1, 22)
    ticker = bench.client().result("public/ticker", {"instrument_name": TOKEN})
    assert (ticker["best_bid_price"], ticker["best_bid_amount"]) == (19, 4)
    assert (ticker["best_ask_price"], ticker["last_price"]) == (22, 19)
    assert ticker["stats"] == {
        "high": 19, "low": 19, "price_change": 0.0, "volume": 1, "volume_notional": 19, "volume_usd": 19,
    }  # fmt: skip
    assert ticker["state"] == "open"


def test_grouped_books_are_whole_pictures_on_every_tick_that_moved_them(bench: Bench) -> None:
    reader, alice = bench.client(), bench.client("alice")
    channel = f"book.{TOKEN}.10.10.100ms"
    reader.result("public/subscribe", {"channels": [channel]})
    for price in (19.01, 19.09, 19.11):
        alice.place("buy", TOKEN, 1, price)
    alice.place("sell", TOKEN, 1, 19.61)
    bench.ticks()
    bench.ticks()
    first, second = reader.notifications(channel)
    assert (first["bids"], first["asks"]) == ([], [])
    assert (second["bids"], second["asks"]) == ([[19.1, 1], [19, 2]], [[19.7, 1]])


def test_the_order_book_method_agrees_with_the_channel(bench: Bench) -> None:
    reader, alice = bench.client(), bench.client("alice")
    channel = f"book.{TOKEN}.raw"
    for price in (18, 19, 17):
        alice.place("buy", TOKEN, 1, price)
    reader.result("public/subscribe", {"channels": [channel]})
    alice.place("sell", TOKEN, 2, 20)
    book = reader.result("public/get_order_book", {"instrument_name": TOKEN, "depth": 2})
    assert book["change_id"] == reader.notifications(channel)[-1]["change_id"]
    assert (book["bids"], book["asks"]) == ([[19, 1], [18, 1]], [[20, 2]])


def test_the_chart_channel_goes_on_where_the_history_stands_and_counts_no_trade_twice() -> None:
    bench = Bench(later=True)
    bench.run_later()
    alice, bob, reader = bench.client("alice"), bench.client("bob"), bench.client()
    alice.place("buy", TOKEN, 9, 19)
    bob.place("sell", TOKEN, 1, 19)
    channel = f"chart.trades.{TOKEN}.1"
    reader.result("public/subscribe", {"channels": [channel]})
    bob.place("sell", TOKEN, 2, 19)  # before the seed arrives, and part of it
    assert reader.notifications(channel) == []
    bench.run_later()
    assert reader.notifications(channel)[-1]["volume"] == 3
    bob.place("sell", TOKEN, 3, 19)
    candle = reader.notifications(channel)[-1]
    assert (candle["volume"], candle["open"], candle["cost"]) == (6, 19, 114)
    assert candle["tick"] % 60_000 == 0


def test_unsubscribing_ends_the_messages(bench: Bench) -> None:
    reader, alice = bench.client(), bench.client("alice")
    channels = [f"book.{TOKEN}.raw", f"trades.{TOKEN}.raw", f"quote.{TOKEN}", f"ticker.{TOKEN}.raw"]
    reader.result("public/subscribe", {"channels": channels})
    assert reader.result("public/unsubscribe", {"channels": [*channels, "nonsense"]}) == channels
    before = len(reader.messages)
    alice.place("buy", TOKEN, 1, 19)
    bench.ticks()
    assert len(reader.messages) == before
    assert not bench.venue.publisher.shelves[TH1A_USDC].read


def test_subscribing_twice_is_accepted_and_sends_nothing_twice(bench: Bench) -> None:
    reader, alice = bench.client(), bench.client("alice")
    channel = f"book.{TOKEN}.raw"
    for _ in range(2):
        assert reader.result("public/subscribe", {"channels": [channel]}) == [channel]
    alice.place("buy", TOKEN, 1, 19)
    assert [message["type"] for message in reader.notifications(channel)] == ["snapshot", "change"]


def test_candles_that_lie_after_the_exchanges_now_are_moved_to_end_at_it(bench: Bench) -> None:
    alice, bob = bench.client("alice"), bench.client("bob")
    alice.place("buy", TOKEN, 9, 19)
    bob.place("sell", TOKEN, 1, 19)
    now_ms = bench.venue.image.time_ns // 1_000_000
    year = 365 * 86_400_000
    ask = {"instrument_name": TOKEN, "resolution": "1"}
    window = {"start_timestamp": now_ms + year - 3_600_000, "end_timestamp": now_ms + year}
    moved = bob.result("public/get_tradingview_chart_data", ask | window)
    assert (moved["status"], moved["volume"], moved["close"]) == ("ok", [1], [19])
    past = bob.result("public/get_tradingview_chart_data", ask | {"start_timestamp": 0, "end_timestamp": 86_400_000})
    assert (past["status"], past["ticks"]) == ("no_data", [])


def test_instruments_carry_what_existing_clients_require(bench: Bench) -> None:
    rows = bench.client().result("public/get_instruments", {"currency": "any"})
    required = {
        "instrument_name", "instrument_id", "kind", "base_currency", "quote_currency", "counter_currency", "is_active",
        "expiration_timestamp", "creation_timestamp", "tick_size", "min_trade_amount", "contract_size",
        "taker_commission", "maker_commission", "price_index",
    }  # fmt: skip
    for row in rows:
        assert required <= set(row), row["instrument_name"]
        assert "." not in row["instrument_name"]
        assert (row["kind"] == "future") == ("settlement_period" in row)
    forward = next(row for row in rows if row["kind"] == "future")
    assert (forward["min_trade_amount"], forward["contract_size"], forward["x_lot"]) == (31, 1, 31)
    assert (forward["settlement_currency"], forward["settlement_period"]) == ("USDC", "month")
    spot = next(row for row in rows if row["instrument_name"] == "TH1A_BTC")
    assert (spot["tick_size"], spot["expiration_timestamp"]) == (1e-8, 32_503_708_800_000)
