"""Personas that trade under load. See README.md for how to run it and what a pass is.

Lives here: the Trader, the command line options, the verdict at the end. Does not know: frames and replies (ws_user).
"""

import random
import time
from collections import deque
from decimal import ROUND_FLOOR, Decimal
from itertools import count
from pathlib import Path
from typing import Any

import gevent
import msgspec
from locust import constant, events, task
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.exception import StopUser

from loadtests.counting import Counting
from loadtests.ws_user import VenueError, WsUser

TOKENS = ("TH1A_BTC", "TH1A_USDC")
FORWARD_PREFIX = "HPU_USDC-"
OPEN_ORDERS_MAX = 20  # beyond it a trader cancels rather than sends
CANCEL_SHARE = 0.3
DISTANCE_BPS_MAX = 50  # orders rest up to so far from the middle, on their own side
CROSS_SHARE = 0.1  # orders that reach a little over the middle, and may trade

COUNTING = Counting()
TRADERS = count()


@events.init_command_line_parser.add_listener
def add_options(parser: LocustArgumentParser) -> None:
    """Options of our own beside locust's."""
    parser.add_argument("--keys", default="var/demo-keys.json", help="key file of the venue")
    parser.add_argument("--rate", type=float, default=50, help="requests per second and trader (Poisson)")
    parser.add_argument("--drain-s", type=float, default=10, help="how long the last replies may take")
    parser.add_argument("--seed", type=int, default=1, help="of the traders' choices")
    parser.add_argument("--skip-key", default="market-maker", help="name of a key that is not used for trading")


@events.quitting.add_listener
def give_verdict(environment: Environment, **_: Any) -> None:
    """The exit code: 0 only for a pass."""
    print(COUNTING.summary(), flush=True)
    environment.process_exit_code = 1 if COUNTING.faults() else 0


class Market:
    """One instrument as a trader sees it."""

    def __init__(self, instrument: dict[str, Any], ticker: dict[str, Any]) -> None:
        self.name: str = instrument["instrument_name"]
        self.tick = exact(instrument["tick_size"])
        self.step = exact(instrument["min_trade_amount"])
        self.middle = exact(ticker.get("mark_price") or ticker.get("index_price") or 0)
        self.see_quote(ticker)

    def see_quote(self, quote: dict[str, Any]) -> None:
        """Follow the middle of the best prices, when both are there."""
        bid, ask = exact(quote.get("best_bid_price") or 0), exact(quote.get("best_ask_price") or 0)
        if bid > 0 and ask > 0:
            self.middle = (bid + ask) / 2

    def limit(self, direction: str, distance_bps: int) -> Decimal:
        """A price so far from the middle on the passive side (negative: across), on a tick, at least one."""
        sign = -1 if direction == "buy" else 1
        price = self.middle * (1 + sign * Decimal(distance_bps) / 10_000)
        return max(self.tick, (price / self.tick).to_integral_value(ROUND_FLOOR) * self.tick)


class Trader(WsUser):
    """Places limit orders near the middle of two token books and a forward, and cancels some of them."""

    counting = COUNTING
    wait_time = constant(0)  # the pace is the due times' below

    def on_start(self) -> None:
        """Connect, log in, learn the markets."""
        options = self.environment.parsed_options
        number = next(TRADERS)
        keys = msgspec.json.decode(Path(options.keys).read_bytes())
        usable = [key for key in keys if key["whitelisted"] and key["name"] != options.skip_key]
        key = usable[number % len(usable)]
        self.random = random.Random(f"{options.seed} {number}")
        self.open_orders: deque[str] = deque()
        self.rate = options.rate
        try:
            self.connect()
            self.log_in(key["client_id"], key["client_secret"])
            self.markets = self.learn_markets()
        except (OSError, VenueError, gevent.Timeout) as failed:
            COUNTING.note_unexpected(f"a trader could not start: {type(failed).__name__}: {failed}")
            raise StopUser from failed
        self.due_s = time.perf_counter()

    def on_stop(self) -> None:
        """Wait for what is on its way, then leave nothing behind."""
        if not hasattr(self, "markets"):
            return
        self.drain(self.environment.parsed_options.drain_s)
        try:
            self.call("private/cancel_all", {})
        except (OSError, VenueError, gevent.Timeout) as failed:
            COUNTING.note_unexpected(f"the orders were not cancelled at the end: {type(failed).__name__}: {failed}")
        self.disconnect()

    @task
    def next_request(self) -> None:
        """One request at its due time; a late one is sent at once and its latency counts from when it was due."""
        self.due_s += self.random.expovariate(self.rate)
        gevent.sleep(max(0, self.due_s - time.perf_counter()))
        try:
            if self.open_orders and (len(self.open_orders) >= OPEN_ORDERS_MAX or self.random.random() < CANCEL_SHARE):
                self.send("private/cancel", {"order_id": self.open_orders.popleft()}, due_s=self.due_s)
            else:
                self.send_order()
        except OSError as lost:
            COUNTING.note_unexpected(f"could not send: {lost}")
            raise StopUser from lost

    def send_order(self) -> None:
        """A limit order of one to three steps."""
        market = self.random.choice(self.markets)
        direction = self.random.choice(("buy", "sell"))
        distance_bps = self.random.randint(1, DISTANCE_BPS_MAX)
        if self.random.random() < CROSS_SHARE:
            distance_bps = -distance_bps
        params = {
            "instrument_name": market.name,
            "type": "limit",
            "amount": number(market.step * self.random.randint(1, 3)),
            "price": number(market.limit(direction, distance_bps)),
        }
        self.send(f"private/{direction}", params, due_s=self.due_s, on_result=self.keep_order)

    def keep_order(self, result: Any) -> None:
        """Remember an order that rests, to cancel it later."""
        if not isinstance(result, VenueError) and result["order"]["order_state"] == "open":
            self.open_orders.append(result["order"]["order_id"])

    def learn_markets(self) -> list[Market]:
        """The token books and the nearest forward, with their quotes followed."""
        listed = {row["instrument_name"]: row for row in self.call("public/get_instruments", {"currency": "any"})}
        forwards = [row for name, row in listed.items() if name.startswith(FORWARD_PREFIX) and row["is_active"]]
        nearest = min(forwards, key=lambda row: row["expiration_timestamp"], default=None)
        names = [name for name in TOKENS if name in listed] + ([nearest["instrument_name"]] if nearest else [])
        markets = [Market(listed[name], self.call("public/ticker", {"instrument_name": name})) for name in names]
        markets = [market for market in markets if market.middle > 0]
        if not markets:
            raise VenueError(f"nothing here has a price; listed: {len(listed)} instruments")
        self.follow({f"quote.{market.name}": market.see_quote for market in markets})
        return markets


def exact(value: Decimal | int) -> Decimal:
    """A JSON number, which the decoder gives as int or Decimal."""
    return Decimal(value)


def number(value: Decimal) -> msgspec.Raw:
    """A decimal as a JSON number without exponent."""
    return msgspec.Raw(format(value, "f").encode())
