"""Goal: readers of single orders and of totals hold exactly the gateway's book, wherever they join, and can prove it.
Method: random streams of queue changes, with the depth that follows from them, from a core on paper."""

import random
from decimal import Decimal
from typing import Any
from zlib import crc32

import pytest

from domain import wire
from domain.commands import SetPhase
from domain.constants import BUY, EVENT_DEPTH, L3_ADDED, L3_CHANGED, L3_EXECUTED, L3_REMOVED, SELL
from domain.reads import ReadImage
from tests.unit.gateway.harness import Bench, Client, run_now
from tests.unit.gateway.inprocess import HPU, TH1A_USDC
from tests.unit.gateway.paper import PaperLink, l3_frame, phase_frame

TOKEN = "TH1A_USDC"
L3, RAW, JOINED = f"x.l3.{TOKEN}", f"book.{TOKEN}.raw", f"book.{TOKEN}.100ms"
NAMES = {"buy": BUY, "sell": SELL}


def plain(value: Any) -> str:
    """A number of a message as its shortest plain decimal, without the point and leading zeros."""
    return format(Decimal(str(value)).normalize(), "f").replace(".", "").lstrip("0")


class Stream:
    """A market that only exists as its queue changes."""

    def __init__(self, bench: Bench, seed: int) -> None:
        self.bench = bench
        self.rng = random.Random(seed)
        self.orders: dict[int, tuple[int, int, int]] = {}  # number -> side, price, lots
        self.sequence = 0
        self._next = 1_000

    def command(self) -> None:
        """One command with a few changes."""
        frames: list[bytes] = []
        touched: dict[tuple[int, int], None] = {}
        for _ in range(self.rng.randint(1, 5)):
            frames.append(self._change(touched))
        for side, price in touched:
            total = sum(lots for s, p, lots in self.orders.values() if (s, p) == (side, price))
            frames.append(wire.DEPTH_EVENT.pack(wire.DEPTH_EVENT.size, EVENT_DEPTH, 0, TH1A_USDC, side, price, total))
        self.bench.link.tell(frames)
        self.bench.settle()

    def _change(self, touched: dict[tuple[int, int], None]) -> bytes:
        rng = self.rng
        self.sequence += 1
        if len(self.orders) < 15 or rng.random() < 0.4:
            side = rng.choice((BUY, SELL))
            number, price = self._next, 2_000 + rng.randint(1, 25) * (1 if side == SELL else -1)
            self._next += rng.randint(1, 3)
            kind, lots = L3_ADDED, rng.randint(1, 20)
        else:
            number = rng.choice(list(self.orders))
            side, price, lots = self.orders[number]
            kind = rng.choice((L3_CHANGED, L3_REMOVED, L3_EXECUTED)) if lots > 1 else L3_REMOVED
            left = {L3_CHANGED: rng.randint(1, lots), L3_REMOVED: 0, L3_EXECUTED: rng.randint(0, lots - 1)}
            lots = left[kind]
        touched[side, price] = None
        if lots:
            self.orders[number] = (side, price, lots)  # a changed order keeps its place
        else:
            del self.orders[number]
        return l3_frame(TH1A_USDC, side, kind, number, price, lots, self.sequence)

    def queues(self) -> list[dict[int, list[tuple[int, int]]]]:
        """Per side: price -> orders in queue order."""
        sides: list[dict[int, list[tuple[int, int]]]] = [{}, {}]
        for number, (side, price, lots) in self.orders.items():
            sides[side].setdefault(price, []).append((number, lots))
        return sides


class L3Replica:
    """Single orders as a client keeps them."""

    def __init__(self) -> None:
        self.queues: dict[str, dict[Decimal, dict[str, Decimal]]] = {"buy": {}, "sell": {}}
        self.sequence = -1
        self.seen = 0

    def take(self, messages: list[dict[str, Any]]) -> None:
        for message in messages[self.seen :]:
            self.seen += 1
            if message["type"] == "snapshot":
                assert self.sequence == -1, "only the first message is a snapshot"
                for name, key in (("buy", "bids"), ("sell", "asks")):
                    for number, price, amount in message[key]:
                        self._put(name, number, price, amount)
            else:
                assert self.sequence + 1 == message["first_sequence"], "no gap"
                assert message["first_sequence"] + len(message["changes"]) - 1 == message["sequence"]
                for action, name, number, price, amount in message["changes"]:
                    assert (action == "new") == (number not in self.queues[name].get(Decimal(str(price)), {}))
                    self._put(name, number, price, amount)
            self.sequence = message["sequence"]
            assert self.checksum() == message["checksum"]

    def _put(self, name: str, number: str, price: Any, amount: Any) -> None:
        queue = self.queues[name].setdefault(Decimal(str(price)), {})
        if amount:
            queue[number] = Decimal(str(amount))
        else:
            del queue[number]
        if not queue:
            del self.queues[name][Decimal(str(price))]

    def checksum(self) -> int:
        text = ""
        for name, reverse in (("sell", False), ("buy", True)):
            for price in sorted(self.queues[name], reverse=reverse)[:10]:
                text += "".join(plain(price) + plain(amount) for amount in self.queues[name][price].values())
        return crc32(text.encode())

    def totals(self, name: str) -> dict[Decimal, Decimal]:
        return {price: sum(queue.values(), Decimal(0)) for price, queue in self.queues[name].items()}


class L2Replica:
    """Totals as a client keeps them."""

    def __init__(self) -> None:
        self.sides: dict[str, dict[Decimal, Decimal]] = {"bids": {}, "asks": {}}
        self.change_id: int | None = None
        self.seen = 0

    def take(self, messages: list[dict[str, Any]]) -> None:
        for message in messages[self.seen :]:
            self.seen += 1
            assert message.get("prev_change_id") == self.change_id
            self.change_id = message["change_id"]
            for name, levels in self.sides.items():
                for action, price, amount in message[name]:
                    if action == "delete":
                        del levels[Decimal(str(price))]
                    else:
                        levels[Decimal(str(price))] = Decimal(str(amount))
            text = ""
            for name, reverse in (("asks", False), ("bids", True)):
                for price, amount in sorted(self.sides[name].items(), reverse=reverse)[:10]:
                    text += plain(price) + plain(amount)
            assert crc32(text.encode()) == message["x_checksum"]


def gateway_queues(bench: Bench) -> list[dict[int, list[tuple[int, int]]]]:
    """The gateway's own book: price -> orders in queue order."""
    book = bench.venue.publisher.shelves[TH1A_USDC].orders
    return [{price: list(queue.items()) for price, queue in side.items()} for side in book.sides]


@pytest.mark.parametrize("seed", range(8))
def test_every_reader_holds_the_gateways_book_without_a_gap_and_can_prove_it(seed: int) -> None:
    bench = Bench(link=PaperLink())
    stream = Stream(bench, seed)
    readers: list[tuple[Client, L3Replica, L2Replica, L2Replica]] = []
    for step in range(120):
        if step % 40 == 5:  # also in the middle
            reader = bench.client()
            assert [L3, RAW, JOINED] == reader.result("public/subscribe", {"channels": [L3, RAW, JOINED]})
            readers.append((reader, L3Replica(), L2Replica(), L2Replica()))
        stream.command()
        if step % 6 == 0:
            bench.ticks()
        for reader, singles, totals, joined in readers:
            singles.take(reader.notifications(L3))
            totals.take(reader.notifications(RAW))
            joined.take(reader.notifications(JOINED))
            mine = [
                {int(price * 100): [(int(n), int(a)) for n, a in queue.items()] for price, queue in side.items()}
                for side in (singles.queues["buy"], singles.queues["sell"])
            ]
            assert stream.queues() == gateway_queues(bench) == mine
            assert stream.sequence == singles.sequence
            assert singles.totals("buy") == totals.sides["bids"]
            assert singles.totals("sell") == totals.sides["asks"]
    assert [True] * 3 == [singles.seen > 20 for _, singles, _, _ in readers]


def some_order(rng: random.Random) -> tuple[str, dict[str, Any]]:
    """One request of a mixed market."""
    side = rng.choice(("buy", "sell"))
    price = 20 + rng.randint(-8, 8) / 100
    order: dict[str, Any] = {"instrument_name": TOKEN, "amount": rng.randint(1, 9), "price": price}
    kind = rng.randrange(12)
    if kind == 0:
        order |= {"amount": rng.randint(10, 30), "max_show": rng.randint(1, 4)}
    elif kind == 1:
        order |= {"post_only": True}
    elif kind == 2:
        order |= {"type": "stop_limit", "trigger": "last_price", "trigger_price": 20 + rng.randint(-5, 5) / 100}
    elif kind == 3:
        order = order | {"type": "trailing_stop", "trigger": "last_price", "trigger_offset": 0.03}
    elif kind == 4:
        del order["price"]
        order["x_peg"] = {"reference": rng.choice(("best_bid", "best_ask", "mid")), "limit": price, "offset": -0.01}
    elif kind == 5:
        del order["price"]
        order |= {"type": rng.choice(("market", "market_limit"))}
    elif kind == 6:
        return "private/cancel_all_by_instrument", {"instrument_name": TOKEN, "x_side": side}
    elif kind == 7:
        stop = {"type": "stop_market", "trigger": "last_price", "trigger_price": price, "direction": side, "amount": 2}
        order |= {"linked_order_type": "one_cancels_other", "otoco_config": [stop]}
    return f"private/{side}", order


@pytest.mark.parametrize("seed", range(5))
def test_single_orders_and_totals_of_the_real_core_agree_with_its_own_book(seed: int) -> None:
    bench = Bench()
    rng = random.Random(seed)
    traders = [bench.client("alice"), bench.client("bob")]
    readers: list[tuple[Client, L3Replica, L2Replica]] = []
    mine: list[tuple[Client, str]] = []
    for step in range(150):
        if step in (0, 70):
            reader = bench.client()
            assert [L3, RAW] == reader.result("public/subscribe", {"channels": [L3, RAW]})
            readers.append((reader, L3Replica(), L2Replica()))
        trader = rng.choice(traders)
        if mine and rng.random() < 0.2:
            owner, order_id = rng.choice(mine)
            changes = {"amount": rng.randint(1, 9), "price": 20 + rng.randint(-8, 8) / 100}
            owner.call("private/edit", {"order_id": order_id, **changes})
        else:
            reply = trader.call(*some_order(rng)).get("result")
            if isinstance(reply, dict):
                mine.append((trader, reply["order"]["order_id"]))
        if step == 100:
            bench.link.command(SetPhase(TH1A_USDC, 4))
            bench.link.command(SetPhase(TH1A_USDC, 2))
        if step == 120:
            bench.link.command(SetPhase(TH1A_USDC, 0))
        bench.settle()
        book = run_now(bench.link.read(ReadImage())).books[TH1A_USDC]
        for reader, singles, totals in readers:
            singles.take(reader.notifications(L3))
            totals.take(reader.notifications(RAW))
            for name, side, levels in (("buy", "bids", book.bids), ("sell", "asks", book.asks)):
                wanted = {Decimal(price) / 100: Decimal(lots) for price, lots in levels}
                assert wanted == singles.totals(name) == totals.sides[side], (step, name)
    assert all(singles.seen > 20 for _, singles, _ in readers)


def test_the_method_shows_what_the_channel_shows() -> None:
    bench = Bench(link=PaperLink())
    stream = Stream(bench, 3)
    for _ in range(40):
        stream.command()
    reader = bench.client()
    reader.result("public/subscribe", {"channels": [L3]})
    (snapshot,) = reader.notifications(L3)
    book = reader.result("public/x/get_l3_book", {"instrument_name": TOKEN, "depth": 100})
    for name in ("sequence", "bids", "asks", "checksum"):
        assert snapshot[name] == book[name]
    short = reader.result("public/x/get_l3_book", {"instrument_name": TOKEN, "depth": 1})
    assert (1, 1) == (len({row[1] for row in short["bids"]}), len({row[1] for row in short["asks"]}))
    assert book["checksum"] == short["checksum"], "the checksum is over ten levels, whatever was asked for"
    assert -32602 == reader.error("public/x/get_l3_book", {"instrument_name": TOKEN, "depth": 0})["code"]
    assert 10020 == reader.error("public/x/get_l3_book", {"instrument_name": "NOPE"})["code"]


def test_a_gateway_that_starts_over_orders_knows_their_queues_and_the_phase() -> None:
    link = PaperLink()
    link.bids, link.phases = {TH1A_USDC: ((7, 1_900, 5), (9, 1_900, 2), (8, 1_899, 1))}, {TH1A_USDC: 4}
    reader = Bench(link=link).client()
    assert [L3] == reader.result("public/subscribe", {"channels": [L3]})
    (snapshot,) = reader.notifications(L3)
    assert ([["7", 19, 5], ["9", 19, 2], ["8", 18.99, 1]], 40) == (snapshot["bids"], snapshot["sequence"])
    replica = L3Replica()
    replica.take([snapshot])
    assert "halt" == reader.result("public/x/get_auction", {"instrument_name": TOKEN})["phase"]


@pytest.mark.parametrize("seed", range(3))
def test_a_gateway_that_starts_over_the_real_core_goes_on_with_the_same_queues(seed: int) -> None:
    first = Bench()
    rng = random.Random(seed)
    traders = [first.client("alice"), first.client("bob")]
    for _ in range(80):
        rng.choice(traders).call(*some_order(rng))
    second = Bench(link=first.link)
    traders = [second.client("alice"), second.client("bob")]
    for _ in range(40):
        rng.choice(traders).call(*some_order(rng))
        image = run_now(second.link.read(ReadImage())).books[TH1A_USDC]
        queues = second.venue.publisher.shelves[TH1A_USDC].orders
        for side, orders in ((BUY, image.bid_orders), (SELL, image.ask_orders)):
            mine = [
                (number, price, lots)
                for price in sorted(queues.sides[side], reverse=side == BUY)
                for number, lots in queues.sides[side][price].items()
            ]
            assert list(orders) == mine
        assert image.l3_seq == queues.sequence


def test_a_slow_reader_of_single_orders_is_closed_with_a_reason() -> None:
    bench = Bench(link=PaperLink())
    stream = Stream(bench, 1)
    slow = bench.client()
    slow.result("public/subscribe", {"channels": [L3]})
    slow.unsent_bytes = 10**6
    stream.command()
    assert (1008, "reads too slowly for single orders") == slow.closed


# -- phases ---------------------------------------------------------------------------------------------------


def test_an_auction_is_told_with_what_would_trade_now() -> None:
    bench = Bench(link=PaperLink())
    reader = bench.client()
    channel = f"x.auction.{TOKEN}"
    reader.result("public/subscribe", {"channels": [channel]})
    bench.link.tell([phase_frame(TH1A_USDC, 3, 1_700_000_060_000 * 10**6, 1_975, 12, -3)])
    bench.settle()
    bench.link.tell([phase_frame(TH1A_USDC, 3, 1_700_000_060_000 * 10**6)])
    bench.settle()
    bench.link.tell([phase_frame(TH1A_USDC, 0)])
    bench.settle()
    first, call, empty, after = reader.notifications(channel)
    assert ("continuous", None) == (first["phase"], first["indicative_price"])
    assert ("volatility_auction", 19.75, 12, -3, 1_700_000_060_000) == (
        call["phase"], call["indicative_price"], call["indicative_amount"], call["imbalance"], call["until_timestamp"],
    )  # fmt: skip
    assert (None, 0, 0) == (empty["indicative_price"], empty["indicative_amount"], empty["imbalance"])
    assert ("continuous", None) == (after["phase"], after["until_timestamp"])
    assert "continuous" == reader.result("public/x/get_auction", {"instrument_name": TOKEN})["phase"]


def test_phases_change_what_instruments_say_and_are_told_after_the_reply() -> None:
    bench = Bench(link=PaperLink())
    alice = bench.client("alice")
    alice.result("public/subscribe", {"channels": ["instrument.state.spot.USDC", "instrument.state.any.any"]})
    bench.link.answers = [lambda command: (0, [bench.link.order_of(command), phase_frame(TH1A_USDC, 3)])]
    before = len(alice.messages)
    alice.place("buy", TOKEN, 1, 19)
    reply, *told = alice.messages[before:]
    assert "result" in reply
    wanted = {"instrument_name": TOKEN, "state": "started", "x_phase": "volatility_auction"}
    assert [wanted, wanted] == [{name: message["params"]["data"][name] for name in wanted} for message in told]
    row = alice.result("public/get_instrument", {"instrument_name": TOKEN})
    assert ("open", "volatility_auction", True) == (row["state"], row["x_phase"], row["is_active"])
    bench.link.tell([phase_frame(TH1A_USDC, 4)])
    bench.settle()
    row = alice.result("public/get_instrument", {"instrument_name": TOKEN})
    assert ("halted", "halt") == (row["state"], row["x_phase"])
    assert "halted" == alice.result("public/ticker", {"instrument_name": TOKEN})["state"]
    bench.link.tell([phase_frame(HPU, 4)])
    bench.settle()
    assert [TOKEN, TOKEN] == [note["instrument_name"] for note in alice.notifications("instrument.state.spot.USDC")]
    assert "halted" == alice.notifications("instrument.state.any.any")[-1]["state"]


@pytest.mark.parametrize(
    "channel", ["x.l3.NOPE", "x.l3", f"x.l3.{TOKEN}.raw", f"x.trades.{TOKEN}.1", "x.auction", "instrument.state.spot",
                "instrument.state.spot.NOPE", "instrument.state.nope.any"],
)  # fmt: skip
def test_names_that_are_no_channels_are_left_out(channel: str) -> None:
    assert [] == Bench(link=PaperLink()).client().result("public/subscribe", {"channels": [channel]})
