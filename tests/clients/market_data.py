"""Step 1: everything public that the client can load, fetch and watch.

Lives here: markets, time, status, ticker, order book at 100 ms and raw, public trades, candles.
Does not know: accounts beyond the two that make the trades to be seen.
"""

import asyncio
from typing import Any

from tests.clients.checks import check, equal, ok
from tests.clients.exact import price_of
from tests.clients.trader import ARRIVE_S, Trader, meet

TOKEN = "TH1A/BTC"
SPOT_SYMBOLS = {"TH1A/BTC", "TH1A/USDC", "BTC/USDC"}
FORWARDS_PER_QUOTE = 36
CLOCK_TOLERANCE_MS = 5_000


async def run(maker: Trader, taker: Trader) -> None:
    """All of it; raises StepFailed at the first difference."""
    await asyncio.to_thread(load_blocking, maker)
    await load_markets(maker, taker)
    await see_market(maker, taker)


def load_blocking(trader: Trader) -> None:
    """The client without asyncio: markets, time, status."""
    ex = trader.blocking_client()
    markets = ex.load_markets()
    check(markets.keys() >= SPOT_SYMBOLS, "spot markets are listed")
    gap_ms = abs(ex.fetch_time() - ex.milliseconds())
    check(gap_ms < CLOCK_TOLERANCE_MS, f"the venue's clock is {gap_ms} ms off")
    equal("ok", ex.fetch_status()["status"], "status")
    ticker = ex.fetch_ticker(TOKEN)
    check(ticker["markPrice"], "the ticker has a mark price")
    ok("blocking client", f"{len(markets)} markets, clock off by {gap_ms} ms, mark of {TOKEN} {ticker['markPrice']}")


async def load_markets(*traders: Trader) -> None:
    """The same markets for every client: spot, and 36 delivery months in each of two currencies."""
    for trader in traders:
        await trader.ex.load_markets()
    markets = traders[0].ex.markets
    equal(SPOT_SYMBOLS, {symbol for symbol, market in markets.items() if market["spot"]}, "spot markets")
    forwards = [market for market in markets.values() if market["future"]]
    for base, quote in (("HPU", "USDC"), ("HPB", "BTC")):
        months = [m for m in forwards if (m["base"], m["quote"], m["settle"]) == (base, quote, quote)]
        equal(FORWARDS_PER_QUOTE, len({m["expiry"] for m in months}), f"delivery months of {base}")
    equal(2 * FORWARDS_PER_QUOTE, len(forwards), "forwards")
    ok("load_markets", f"{len(SPOT_SYMBOLS)} spot, {len(forwards)} forwards")


async def see_market(maker: Trader, taker: Trader) -> None:
    """Watch a market while orders rest, change and trade in it; what was watched must equal what is fetched."""
    raw = maker.fresh_client()
    ex = maker.ex
    start = len(ex.notes)
    channels = {"book": "book.TH1A_BTC.100ms", "trades": "trades.TH1A_BTC.", "ticker": "ticker.TH1A_BTC."}
    try:
        await raw.load_markets()
        maker.watch(
            lambda: ex.watch_order_book(TOKEN, params={}),
            lambda: ex.watch_trades(TOKEN),
            lambda: ex.watch_ticker(TOKEN),
            lambda: ex.watch_ohlcv(TOKEN, "1m"),
            lambda: raw.watch_order_book(TOKEN, params={"interval": "raw"}),
        )
        for what in ("book", "ticker"):  # these are answered with the present state
            await maker.arrived(lambda channel, _, what=what: channel.startswith(channels[what]), what, start)
        await maker.until(lambda: raw.notes, "the raw book arrives")
        mark = await maker.quiet_ticks(TOKEN)
        resting = [await maker.limit(TOKEN, "buy", lots, mark // 2 + lots) for lots in (3, 5, 7)]
        await ex.cancel_order(resting[1]["id"], TOKEN)
        await ex.edit_order(resting[2]["id"], TOKEN, "limit", "buy", 9, price_of(mark // 2 + 7, ex.market(TOKEN)))
        trade = await meet(maker, taker, TOKEN, "sell", 7)
        await see_trade(maker, trade, channels["trades"], start)
        await same_book(maker, raw)
        await ex.cancel_all_orders(TOKEN)
        levels = await same_book(maker, raw)
        ok("watch_order_book", f"100ms and raw equal fetch_order_book, {levels[0]} bids and {levels[1]} asks")
    finally:
        await maker.stop_watching()
        await raw.close()


async def see_trade(trader: Trader, trade: dict[str, Any], channel: str, start: int) -> None:
    """One trade in all the places where the public sees it."""
    ex, price = trader.ex, trade["price"]
    seen = await trader.arrived(
        lambda name, data: name.startswith(channel) and any(t["trade_id"] == trade["id"] for t in data),
        "the public trade", start,
    )  # fmt: skip
    fetched = [t for t in await ex.fetch_trades(TOKEN, None, 100) if t["id"] == trade["id"]]
    equal(1, len(fetched), "times the trade is fetched")
    equal((price, trade["amount"]), (fetched[0]["price"], fetched[0]["amount"]), "fetched trade")
    ok("fetch_trades, watch_trades", f"{trade['amount']} @ {price}, {len(seen)} in the notification")
    await trader.arrived(
        lambda name, data: name.startswith("ticker.TH1A_BTC") and data["last_price"] == price, "its price", start
    )
    equal(price, (await ex.fetch_ticker(TOKEN))["last"], "last price")
    ok("fetch_ticker, watch_ticker", f"last {price}")
    watched = await trader.arrived(
        lambda name, data: name.startswith("chart.trades.TH1A_BTC") and data["high"] >= price >= data["low"],
        "the candle", start,
    )  # fmt: skip
    candles = await ex.fetch_ohlcv(TOKEN, "1m")
    fitting = [c for c in candles if c[0] <= trade["timestamp"] < c[0] + 60_000]
    equal(1, len(fitting), "candles of the trade's minute")
    check(fitting[0][2] >= price >= fitting[0][3] and fitting[0][5] >= trade["amount"], f"candle {fitting[0]}")
    ok("fetch_ohlcv, watch_ohlcv", f"{len(candles)} candles, close {fitting[0][4]}, watched {watched['close']}")


async def same_book(trader: Trader, raw: Any) -> tuple[int, int]:
    """The fetched book and both watched ones must become equal; others may move it, so it is tried for a while."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + ARRIVE_S
    while True:
        fetched = await trader.ex.fetch_order_book(TOKEN, 1_000)
        await asyncio.sleep(0.15)  # one tick of the joined channel
        books = [trader.ex.orderbooks[TOKEN], raw.orderbooks[TOKEN], fetched]
        sides = [tuple([tuple(level[:2]) for level in book[side]] for side in ("bids", "asks")) for book in books]
        if sides[0] == sides[1] == sides[2]:
            return len(sides[2][0]), len(sides[2][1])
        check(loop.time() < deadline, f"watched books {sides[:2]} never equal the fetched one {sides[2]}")
