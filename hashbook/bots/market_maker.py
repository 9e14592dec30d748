"""A market maker for every listed instrument: `python -m hashbook.bots.market_maker --keys FILE --name NAME --url WS`.

Lives here: the process around the quoting functions: what is known (tickers, balances, open orders), the cycle that
compares and acts, the clean end.
Does not know: how a fair value or a plan comes about (see quoting), how a session comes back (see hashbook.session).

It asks for cancel-on-disconnect before anything else. After a reconnect, or a request whose outcome is unknown, it
first reads its open orders back (its label names the slot), so that nothing is quoted twice. SIGTERM and SIGINT end it:
all its orders are cancelled. Exit codes: 0 stopped, 2 wrong arguments or a refused login.
"""

import argparse
import asyncio
import logging
import signal
import sys
from decimal import Decimal
from pathlib import Path

import msgspec

from hashbook.bots.order_table import OrderTable
from hashbook.bots.pacing import Backoff, Pacer
from hashbook.bots.quoting import (
    Action,
    Cancel,
    Edit,
    MakerConfig,
    Place,
    diff_quotes,
    fair_value,
    plan_quotes,
    retreat,
)
from hashbook.client import Client
from hashbook.credentials import load_credentials
from hashbook.errors import ChannelRefused, ConnectionLost, HashbookError, OutcomeUnknown, RequestTimeout
from hashbook.protocol import BUY, SELL, Instrument, Order, Ticker
from hashbook.session import RETRY_CODES, SessionOptions, SessionState

log = logging.getLogger("hashbook.market_maker")

ORDER_GONE_CODES = frozenset({10004, 11008, 11044})  # not found, filled already, not open
POST_ONLY_CODE = 11054  # would have traded at once: another's order stands in our way
STATUS_PERIOD_S = 60
QUOTED_KINDS = ("spot", "future")  # combos follow from the outright quotes (implied prices)


class Line:
    """One instrument and what the bot knows about it."""

    def __init__(self, instrument: Instrument, ticker: Ticker, generation: int, config: MakerConfig) -> None:
        self.instrument = instrument
        self.ticker = ticker
        self.generation = generation  # of the session that has told the ticker and goes on telling it
        self.backoffs = {
            side: Backoff(first_s=config.backoff_first_s, max_s=config.backoff_max_s) for side in (BUY, SELL)
        }
        self.served_s = 0.0

    @property
    def name(self) -> str:
        """The instrument's name."""
        return self.instrument.instrument_name

    @property
    def quote_currency(self) -> str:
        """What its prices are in."""
        return self.instrument.quote_currency or self.instrument.counter_currency


class MarketMaker:
    """Quotes until told to stop."""

    def __init__(self, client: Client, config: MakerConfig) -> None:
        self._client = client
        self._config = config
        self._pacer = Pacer(requests_per_s=config.requests_per_s, in_flight=config.requests_in_flight)
        self._lines: dict[str, Line] = {}
        self._balances: dict[str, Decimal] = {}
        self._targets: dict[str, Decimal] = dict(config.inventory_targets)
        self._positions: dict[str, Decimal] = {}
        self._generation = 0  # of the session whose orders we know; 0: none, read them back first
        self._following_orders = False
        self._orders = OrderTable(config.label_prefix)
        self._next_account_s = self._next_instruments_s = self._next_status_s = 0.0
        self.refusals = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Quote until `stop` is set, then cancel everything and close.

        Raises:
            HashbookError: the venue refused the login.
        """
        try:
            while not stop.is_set():
                try:
                    await self._client.connect(timeout_s=1)
                    await self._learn()
                    if await self._quote():
                        continue
                except TimeoutError:
                    continue  # still connecting; look at `stop` once a second
                except (ConnectionLost, RequestTimeout) as unknown:
                    log.warning("reading orders back: %s", unknown)
                    self._generation = 0
                except HashbookError as refusal:
                    if self._client.state is SessionState.FAILED:
                        raise
                    log.warning("the venue refused a question: %s", refusal)
                    self._pacer.hold(1)
                await wait_or_stop(stop, self._config.cycle_s)
            await self._leave()
        finally:
            await self._client.close()

    # what is known

    async def _learn(self) -> None:
        now_s = asyncio.get_running_loop().time()
        if now_s >= self._next_instruments_s:
            await self._learn_instruments()
            self._next_instruments_s = now_s + self._config.instruments_poll_s
        if self._generation != self._client.generation:
            await self._start_over()
        if now_s >= self._next_account_s:
            await self._learn_account()
            self._next_account_s = now_s + self._config.account_poll_s
        if now_s >= self._next_status_s:
            log.info("%d instruments, %d open orders, %d refusals", len(self._lines), len(self._orders), self.refusals)
            self._next_status_s = now_s + STATUS_PERIOD_S

    async def _learn_instruments(self) -> None:
        listed = await self._client.get_instruments()
        active = {i.instrument_name: i for i in listed if i.is_active and i.kind in QUOTED_KINDS}
        for name in self._lines.keys() - active.keys():
            del self._lines[name]  # expired: the venue has cancelled what we had there
        fresh: dict[str, Line] = {}
        for name in sorted(active.keys() - self._lines.keys()):
            async with self._pacer:
                ticker = await self._client.ticker(name)
            fresh[name] = Line(active[name], ticker, self._client.generation, self._config)
        self._lines |= fresh
        try:
            await self._follow_tickers(list(fresh))
        except (ConnectionLost, RequestTimeout, HashbookError):
            for name in fresh:
                del self._lines[name]  # learn them again next time
            raise

    async def _follow_tickers(self, names: list[str]) -> None:
        if not names:
            return
        try:
            await self._client.subscribe([f"ticker.{name}.100ms" for name in names], Ticker, self._see_ticker)
        except ChannelRefused as refused:
            log.warning("no tickers, so nothing is quoted there: %s", refused)
            gone = {channel.split(".")[1] for channel in refused.channels}
            for name in gone:
                del self._lines[name]
            await self._follow_tickers([name for name in names if name not in gone])

    async def _start_over(self) -> None:
        """Read orders and tickers back: a new session, or a request whose outcome is unknown."""
        generation = self._client.generation
        if not self._following_orders:
            await self._client.subscribe(["user.orders.any.any.raw"], Order, self._see_order)
            self._following_orders = True
        self._orders.forget_all()
        surplus = [order for order in await self._client.get_open_orders() if not self._orders.see(order)]
        for order in surplus:  # two orders in one slot: a request was answered to nobody
            await self._send_cancel(order.order_id)
        for line in [line for line in self._lines.values() if line.generation != generation]:
            async with self._pacer:
                self._see_ticker(line.name, await self._client.ticker(line.name))
            line.generation = generation
        self._generation = generation
        log.info("%d instruments, %d orders found open", len(self._lines), len(self._orders))

    async def _learn_account(self) -> None:
        for summary in await self._client.get_account_summaries():
            self._balances[summary.currency] = summary.balance
            self._targets.setdefault(summary.currency, summary.balance)
        positions = await self._client.get_positions()
        self._positions = {position.instrument_name: position.signed_amount for position in positions}

    def _see_ticker(self, channel: str, ticker: Ticker) -> None:
        line = self._lines.get(ticker.instrument_name)
        if line is not None and ticker.timestamp >= line.ticker.timestamp:
            line.ticker = ticker

    def _see_order(self, channel: str, order: Order) -> None:
        if not self._orders.see(order):
            self._generation = 0  # one too many in its slot: read back and clear up

    # what is done

    async def _quote(self) -> bool:
        """One cycle: at most one second's worth of requests, so that the next cycle sees fresh prices soon.

        True when that was not enough, so that the next cycle should follow at once.
        """
        self._orders.forget_ended()
        now_s = asyncio.get_running_loop().time()
        budget = self._config.requests_per_s
        work: list[tuple[Line, list[Action]]] = []
        for line in sorted(self._lines.values(), key=lambda line: line.served_s):
            actions = self._actions(line, now_s)[:budget]
            budget -= len(actions)
            if actions:
                work.append((line, actions))
                line.served_s = now_s
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._work(line, actions)) for line, actions in work]
        for task in tasks:
            if (lost := task.result()) is not None:
                raise lost
        return budget == 0

    def _actions(self, line: Line, now_s: float) -> list[Action]:
        ticker = line.ticker
        if ticker.state != "open":
            return []
        hashprice = self._hashprice(line.quote_currency) if line.instrument.kind == "spot" else None
        fair = fair_value(line.instrument, ticker, self._config, hashprice=hashprice)
        if fair is None:
            return []
        wanted = plan_quotes(
            line.instrument,
            fair,
            self._inventory(line.instrument),
            self._config,
            price_min=ticker.min_price,
            price_max=ticker.max_price,
        )
        actions = diff_quotes(wanted, self._orders.open_orders(line.name), self._config, line.instrument)
        return retreat(actions, [side for side, backoff in line.backoffs.items() if backoff.active(now_s)])

    def _hashprice(self, quote_currency: str) -> Decimal | None:
        for line in self._lines.values():
            if line.instrument.kind == "future" and line.quote_currency == quote_currency and line.ticker.index_price:
                return line.ticker.index_price
        return None

    def _inventory(self, instrument: Instrument) -> Decimal:
        if instrument.kind != "spot":
            return self._positions.get(instrument.instrument_name, Decimal(0))
        currency = instrument.base_currency
        return self._balances.get(currency, Decimal(0)) - self._targets.get(currency, Decimal(0))

    async def _work(self, line: Line, actions: list[Action]) -> ConnectionLost | RequestTimeout | None:
        """One instrument's actions in order; an unknown outcome is returned, not raised, so that others end first."""
        refused_sides: set[str] = set()
        for action in actions:
            if not isinstance(action, Cancel) and action.slot.side in refused_sides:
                continue
            try:
                await self._act(line, action)
            except OutcomeUnknown as unknown:
                log.warning("%s: %s; reading orders back", line.name, unknown)
                self._generation = 0
                return None
            except HashbookError as refusal:
                self._see_refusal(line, action, refusal)
                if not isinstance(action, Cancel):
                    refused_sides.add(action.slot.side)
            except (ConnectionLost, RequestTimeout) as unknown:
                return unknown
        return None

    async def _act(self, line: Line, action: Action) -> None:
        match action:
            case Cancel(order_id):
                await self._send_cancel(order_id)
                return
            case Edit(slot, order_id, quote, total_amount):
                async with self._pacer:
                    result = await self._client.edit(order_id, total_amount, quote.price, post_only=True)
            case Place(slot, quote):
                label = slot.label(self._config.label_prefix)
                send = self._client.buy if slot.side == BUY else self._client.sell
                async with self._pacer:
                    result = await send(line.name, quote.amount, quote.price, post_only=True, label=label)
        self._see_order(line.name, result.order)
        line.backoffs[slot.side].succeeded()

    async def _send_cancel(self, order_id: str) -> None:
        try:
            async with self._pacer:
                order = await self._client.cancel(order_id)
            self._orders.see(order)
        except HashbookError as refusal:
            if refusal.code not in ORDER_GONE_CODES:
                raise
            self._orders.end(order_id)

    def _see_refusal(self, line: Line, action: Action, refusal: HashbookError) -> None:
        self.refusals += 1
        if refusal.code in RETRY_CODES:
            self._pacer.hold(1)
        elif isinstance(action, Edit) and refusal.code in ORDER_GONE_CODES:
            self._orders.end(action.order_id)  # filled or cancelled meanwhile: the next cycle quotes anew
        elif isinstance(action, Cancel):
            log.warning("%s: could not cancel %s: %s", line.name, action.order_id, refusal)
        else:
            backoff = line.backoffs[action.slot.side]
            news = backoff.refused(refusal.code, asyncio.get_running_loop().time())
            if news and refusal.code != POST_ONLY_CODE:
                log.warning("%s %s: %s; leaving it alone for a while", line.name, action.slot.side, refusal)

    async def _leave(self) -> None:
        try:
            log.info("stopping: %d orders cancelled", await self._client.cancel_all())
        except (ConnectionLost, RequestTimeout, HashbookError) as failed:
            log.warning("could not cancel at the end (%s); cancel-on-disconnect does it", failed)


async def wait_or_stop(stop: asyncio.Event, seconds: float) -> None:
    """Sleep, but not longer than until `stop`."""
    waiter = asyncio.create_task(stop.wait())
    await asyncio.wait({waiter}, timeout=seconds)
    waiter.cancel()


async def amain(options: argparse.Namespace) -> int:
    """Run from command line options; the exit code."""
    try:
        credentials = load_credentials(options.keys, options.name)
        config = MakerConfig()
        if options.config is not None:
            config = msgspec.json.decode(options.config.read_bytes(), type=MakerConfig)
    except (OSError, KeyError, msgspec.DecodeError) as wrong:
        print(f"market maker: {wrong}", file=sys.stderr)
        return 2
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    client = Client(options.url, credentials, SessionOptions(cancel_on_disconnect=True))
    try:
        await MarketMaker(client, config).run(stop)
    except HashbookError as refused:
        print(f"market maker: the venue refused: {refused}", file=sys.stderr)
        return 2
    return 0


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="hashbook.bots.market_maker", description="Quote every listed instrument.")
    parser.add_argument("--keys", type=Path, required=True, help="key file: a list of {name, client_id, client_secret}")
    parser.add_argument("--name", required=True, help="which key of the file")
    parser.add_argument("--url", required=True, help="ws://HOST:PORT/ws/api/v2")
    parser.add_argument("--config", type=Path, help="JSON file with settings that differ from the defaults")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    return asyncio.run(amain(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
