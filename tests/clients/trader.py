"""One account behind an unmodified ccxt client.

Lives here: how the client is pointed at a venue, its reads as integers, watching with a record of all that arrived.
Does not know: what a session proves.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import ccxt
import ccxt.pro

from tests.clients.checks import StepFailed, check, equal
from tests.clients.exact import effects, exact, fee_units, lots_of, price_of, text_of, ticks_of, units

ARRIVE_S = 10.0
READ_COUNT = 1_000
PRIVATE_PREFIXES = ("user.orders.", "user.trades.", "user.portfolio.")


def client_config(key: dict[str, str], url: str) -> dict[str, Any]:
    """What a user of the library writes: keys, the two addresses, the currencies whose balances are watched."""
    web_socket = url.replace("http", "ws", 1) + "/ws/api/v2"
    return {
        "apiKey": key["client_id"],
        "secret": key["client_secret"],
        "urls": {"api": {"rest": url, "ws": web_socket}},
        "options": {"currencies": ["BTC", "ETH", "SOL", "USDC", "TH1A"]},  # the library's own list and the token
    }


class Listener(ccxt.pro.deribit):
    """The library's client; it only keeps a copy of each notification before the library handles it."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.notes: list[tuple[str, Any]] = []
        super().__init__(config)

    def handle_message(self, client: Any, message: Any) -> Any:
        """Note channel and data, then let the library do its work."""
        params = message.get("params") if isinstance(message, dict) else None
        if params and "channel" in params:
            self.notes.append((params["channel"], params["data"]))
        return super().handle_message(client, message)


class Trader:
    """An account with its clients: `ex` for REST and websocket, watched channels as tasks."""

    def __init__(self, name: str, key: dict[str, str], url: str) -> None:
        self.name = name
        self._key, self._url = key, url
        self.ex: Any = Listener(client_config(key, url))
        self.tasks: list[asyncio.Task[None]] = []

    def fresh_client(self, **more: Any) -> Any:
        """Another client of the same account; the caller closes it."""
        return Listener(client_config(self._key, self._url) | more)

    def blocking_client(self) -> Any:
        """The library's client without asyncio."""
        return ccxt.deribit(client_config(self._key, self._url))

    async def close(self) -> None:
        """End watching and connections."""
        await self.stop_watching()
        await self.ex.close()

    # -- reads ----------------------------------------------------------------------------------------------------

    async def balances(self, field: str = "balance") -> dict[str, int]:
        """One figure per asset, in ledger units."""
        summaries = (await self.ex.fetch_balance())["info"]["summaries"]
        return {row["currency"]: units(row[field], row["currency"]) for row in summaries}

    async def positions(self) -> dict[str, int]:
        """Lots by symbol, short ones negative."""
        rows = await self.ex.fetch_positions()
        return {row["symbol"]: lots_of(row["info"]["size"], self.ex.market(row["symbol"])) for row in rows}

    async def trades(self, symbol: str) -> list[dict[str, Any]]:
        """The account's trades in a market; an id that comes twice fails the session."""
        found = await self.ex.fetch_my_trades(symbol, None, READ_COUNT)
        ids = [trade["id"] for trade in found]
        equal(len(set(ids)), len(ids), f"different trades among those of {self.name}")
        return list(found)

    async def open_ids(self, symbol: str) -> set[str]:
        """Ids of open orders; one that comes twice fails the session."""
        ids = [order["id"] for order in await self.ex.fetch_open_orders(symbol)]
        equal(len(set(ids)), len(ids), f"different open orders of {self.name}")
        return set(ids)

    async def dividends(self) -> list[dict[str, Any]]:
        """Dividends of the account, newest first."""
        answer = await self.ex.request("x/get_dividends", ["private"], "GET", {"count": READ_COUNT})
        return list(answer["result"])

    async def exchange_ms(self) -> int:
        """Exchange time of the last thing that happened."""
        return int((await self.ex.fetch_ticker("TH1A/BTC"))["timestamp"])

    # -- orders ---------------------------------------------------------------------------------------------------

    async def limit(self, symbol: str, side: str, lots: int, ticks: int, **params: Any) -> dict[str, Any]:
        """A limit order in lots and ticks."""
        market = self.ex.market(symbol)
        amount = float(lots * exact(market["precision"]["amount"]))
        order = await self.ex.create_order(symbol, "limit", side, amount, price_of(ticks, market), params)
        return dict(order)

    async def quiet_ticks(self, symbol: str) -> int:
        """A price at which two accounts meet each other and nobody else: between the best prices, else the mark."""
        market = self.ex.market(symbol)
        book = await self.ex.fetch_order_book(symbol, 1)
        mark = ticks_of((await self.ex.fetch_ticker(symbol))["markPrice"], market)
        bid = ticks_of(book["bids"][0][0], market) if book["bids"] else None
        ask = ticks_of(book["asks"][0][0], market) if book["asks"] else None
        if bid is not None and ask is not None:
            check(ask - bid >= 2, f"{symbol} has no free price between {bid} and {ask} ticks")
            return (bid + ask) // 2
        if bid is not None:
            return max(bid + 1, mark)
        return mark if ask is None else min(ask - 1, mark)

    # -- watching -------------------------------------------------------------------------------------------------

    def watch(self, *calls: Callable[[], Awaitable[Any]]) -> None:
        """Keep calling each watch method until stopped or the connection is lost."""
        self.tasks += [asyncio.create_task(_again_and_again(call)) for call in calls]

    async def watch_private(self) -> None:
        """Watch orders, trades and balances; returns when the venue has subscribed all three.

        A subscription to balances is answered with the present ones, and the venue answers in order, so the first
        balance after the other two were sent says that these are in place. A connection on which the library has
        subscribed before keeps its subscriptions: then nothing is sent and nothing is waited for.
        """
        start, is_subscribed = len(self.ex.notes), self._asked("balance")
        for call, prefix in zip(
            (self.ex.watch_orders, self.ex.watch_my_trades, self.ex.watch_balance), (*PRIVATE_PREFIXES[:2], "balance"),
            strict=True,
        ):  # fmt: skip
            self.watch(call)
            await self.until(lambda prefix=prefix: self._asked(prefix), f"{self.name} asks for {prefix}")
        if not is_subscribed:
            await self.arrived(lambda channel, _: channel.startswith("user.portfolio"), "balances", start)

    def _asked(self, prefix: str) -> bool:
        asked = [str(name) for client in self.ex.clients.values() for name in client.subscriptions]
        return any(name.startswith(prefix) for name in asked)

    async def stop_watching(self) -> None:
        """Cancel the tasks; what ended them before does not matter any more."""
        tasks, self.tasks = self.tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def until(self, condition: Callable[[], Any], what: str, seconds: float = ARRIVE_S) -> Any:
        """Wait for a condition, at most `seconds`; a watch task that fails meanwhile fails the session."""
        deadline = asyncio.get_running_loop().time() + seconds
        while not (found := condition()):
            for task in self.tasks:
                if task.done() and not task.cancelled() and task.exception() is not None:
                    raise StepFailed(f"{what}: watching ended with {task.exception()!r}")
            check(asyncio.get_running_loop().time() < deadline, f"{what}: not within {seconds:.0f} s")
            await asyncio.sleep(0.02)
        return found

    async def arrived(self, fits: Callable[[str, Any], Any], what: str, start: int = 0) -> Any:
        """Data of the first notification from number `start` on that fits; waits for it."""

        def found() -> list[Any]:
            return [data for channel, data in self.ex.notes[start:] if fits(channel, data)]

        return (await self.until(found, f"{self.name} is told of {what}"))[0]

    def watched_trade_ids(self, start: int = 0) -> list[str]:
        """Ids in all trade notifications, repeats included."""
        return [
            trade["trade_id"]
            for channel, data in self.ex.notes[start:]
            if channel.startswith("user.trades.")
            for trade in data
        ]

    def drop_connection(self) -> None:
        """Cut the websocket as a lost network does: no closing handshake."""
        for client in self.ex.clients.values():
            client.connection.get_extra_info("socket").shutdown(socket.SHUT_RDWR)


async def _again_and_again(call: Callable[[], Awaitable[Any]]) -> None:
    while True:
        await call()


class Accounts:
    """Balances, positions and trades of several traders at a moment, to be compared exactly later."""

    def __init__(self, traders: Iterable[Trader], symbols: Iterable[str]) -> None:
        self.traders, self.symbols = list(traders), list(symbols)
        self.money: dict[str, dict[str, int]] = {}
        self.lots: dict[str, dict[str, int]] = {}
        self.known: dict[str, set[str]] = {}
        self.posted: dict[str, set[str]] = {}

    async def note(self) -> "Accounts":
        """Read the starting point, away from a margin cycle, which also moves money."""
        await wait_past_cycle(self.traders[0])
        for trader in self.traders:
            self.money[trader.name] = await trader.balances()
            self.lots[trader.name] = await trader.positions()
            self.known[trader.name] = {t["id"] for symbol in self.symbols for t in await trader.trades(symbol)}
            self.posted[trader.name] = {d["block_hash"] for d in await trader.dividends() if d["state"] == "posted"}
        return self

    async def new_trades(self, trader: Trader) -> list[dict[str, Any]]:
        """Trades since the starting point."""
        return [
            trade
            for symbol in self.symbols
            for trade in await trader.trades(symbol)
            if trade["id"] not in self.known[trader.name]
        ]

    async def compare(self) -> list[str]:
        """Every balance and position against what the new trades (and dividends paid meanwhile) must have done.

        Returns one text per trader with what moved. Raises StepFailed on a difference of one ledger unit.
        """
        return [await self._compare(trader) for trader in self.traders]

    async def _compare(self, trader: Trader) -> str:
        name = trader.name
        trades = await self.new_trades(trader)
        money, lots = effects(trades, trader.ex.markets)
        for trade in trades:
            market = trader.ex.market(trade["symbol"])
            fee = units(trade["fee"]["cost"], market["quote"])
            equal(fee_units(trade, market), fee, f"fee of trade {trade['id']} of {name} in ledger units")
        for row in await trader.dividends():
            if row["state"] == "posted" and row["block_hash"] not in self.posted[name]:
                money[row["currency"]] += units(row["amount"], row["currency"])
        before, after = self.money[name], await trader.balances()
        for asset in before | after | money:
            expected_units = before.get(asset, 0) + money[asset]
            equal(expected_units, after.get(asset, 0), f"{asset} of {name} in ledger units")
        before, after = self.lots[name], await trader.positions()
        for symbol in before | after | lots:
            equal(before.get(symbol, 0) + lots[symbol], after.get(symbol, 0), f"lots of {symbol} of {name}")
        moved_texts = [text_of(amount, asset) for asset, amount in money.items() if amount]
        moved_texts += [f"{count:+d} lots {symbol}" for symbol, count in lots.items() if count]
        return f"{name} " + (", ".join(moved_texts) or "unchanged")


async def wait_past_cycle(trader: Trader) -> None:
    """Margin cycles run at 00:00, 08:00 and 16:00 exchange time: when one is near, wait until it has run."""
    cycle_ms, near_ms = 8 * 3_600_000, 10 * 60_000
    for _ in range(60):
        now_ms = await trader.exchange_ms()
        if 60_000 < now_ms % cycle_ms < cycle_ms - near_ms:
            return
        await asyncio.sleep(0.5)
    raise StepFailed("the exchange clock stands still")


async def meet(maker: Trader, taker: Trader, symbol: str, maker_side: str, lots: int, ticks: int = 0) -> dict[str, Any]:
    """Let two accounts trade with each other; returns the maker's trade.

    When somebody else came in between, what rests is cancelled and it is tried again.
    """
    taker_side = "buy" if maker_side == "sell" else "sell"
    for _ in range(5):
        price = ticks or await maker.quiet_ticks(symbol)
        try:
            resting = await maker.limit(symbol, maker_side, lots, price, postOnly=True)
        except ccxt.InvalidOrder:  # the market moved through the price before the order came
            continue
        taking = await taker.limit(symbol, taker_side, lots, price, timeInForce="IOC")
        ids = {trade["id"] for trade in taking["trades"]}
        both = [trade for trade in await maker.trades(symbol) if trade["id"] in ids]
        if len(both) == 1 and lots_of(both[0]["amount"], maker.ex.market(symbol)) == lots:
            return both[0]
        if resting["id"] in await maker.open_ids(symbol):
            await maker.ex.cancel_order(resting["id"], symbol)
    raise StepFailed(f"{maker.name} and {taker.name} did not meet in {symbol}")
