"""Step 3: every kind of order, its changes and its end, fetched and watched.

Lives here: limit, market, post-only, immediate-or-cancel, fill-or-kill, stop, take-profit, trailing, reduce-only, edit,
cancel, cancel all; closed orders.
Does not know: margin, eligibility (refusals.py).
"""

from typing import Any

import ccxt

from tests.clients.checks import StepFailed, check, equal, error_of, ok
from tests.clients.exact import PPM, fee_ppm, price_of, text_of, units
from tests.clients.trader import Accounts, Trader

TOKEN = "TH1A/BTC"
SATOSHI = 1_000  # the token's tick in ledger units of BTC


async def run(alice: Trader, bob: Trader) -> None:
    """All kinds, with alice's private channels watched throughout."""
    before = await Accounts((alice, bob), [TOKEN]).note()
    start = len(alice.ex.notes)
    await alice.watch_private()
    try:
        await resting(alice)
        closed = [await post_only(alice, bob), *await at_once(alice, bob)]
        await ended(alice, closed)
        await waiting(alice, bob)
        await only_reduces(alice)
        await cancelled_together(alice)
        texts = await before.compare()
        ok("balances after all orders", "; ".join(texts))
        await watched(alice, before, start)
    finally:
        await alice.stop_watching()


async def resting(alice: Trader) -> None:
    """Limit, fetch, edit, cancel; the promised money is missing from what is free."""
    ex, market = alice.ex, alice.ex.market(TOKEN)
    low = await alice.quiet_ticks(TOKEN) // 2
    held_before = (await alice.balances("spot_reserve"))["BTC"]
    order = await alice.limit(TOKEN, "buy", 4, low, label="first")
    equal(("open", 4.0, price_of(low, market)), (order["status"], order["amount"], order["price"]), "limit order")
    held = (await alice.balances("spot_reserve"))["BTC"] - held_before
    value = 4 * low * SATOSHI
    worst_fee = 4 * -(-low * SATOSHI * fee_ppm(market, "taker") // PPM)
    equal(value + worst_fee, held, "held for price and worst fee, in msat")
    fetched = await ex.fetch_order(order["id"], TOKEN)
    equal(("open", "first"), (fetched["status"], fetched["info"]["label"]), "fetched order")
    check(order["id"] in await alice.open_ids(TOKEN), "the order is among the open ones")
    ok("create_order limit, fetch_order, fetch_open_orders", f"{order['id']}, {text_of(held, 'BTC')} held")
    edited = await ex.edit_order(order["id"], TOKEN, "limit", "buy", 6, price_of(low + 10, market))
    wanted = (order["id"], 6.0, price_of(low + 10, market))
    equal(wanted, (edited["id"], edited["amount"], edited["price"]), "edited order")
    ok("edit_order", f"{edited['amount']} @ {edited['price']}")
    cancelled = await ex.cancel_order(order["id"], TOKEN)
    equal("canceled", cancelled["status"], "status after cancel")
    check(order["id"] not in await alice.open_ids(TOKEN), "the order is gone")
    equal(held_before, (await alice.balances("spot_reserve"))["BTC"], "held BTC after the cancel")
    try:
        await ex.cancel_order(order["id"], TOKEN)
        raise StepFailed("a cancelled order was cancelled again")
    except ccxt.OrderNotFound as error:
        ok("cancel_order", f"{order['id']}; a second time: {error_of(error)['message']}")


async def post_only(alice: Trader, bob: Trader) -> str:
    """Refused when it would trade, even by one lot; taken when it rests. Returns the id of the refused side's maker."""
    ticks = await bob.quiet_ticks(TOKEN)
    ask = await bob.limit(TOKEN, "sell", 2, ticks)
    try:
        await alice.limit(TOKEN, "buy", 1, ticks, postOnly=True)
        raise StepFailed("a post-only order that crosses was taken")
    except ccxt.InvalidOrder as error:
        equal(11054, error_of(error)["code"], "code of a crossing post-only order")
    bid = await alice.limit(TOKEN, "buy", 1, ticks - 1, postOnly=True)
    equal(("open", True), (bid["status"], bid["postOnly"]), "post-only order that rests")
    await alice.ex.cancel_order(bid["id"], TOKEN)
    await bob.ex.cancel_order(ask["id"], TOKEN)
    ok("post-only", "11054 when crossing, rests one tick lower")
    return str(bid["id"])


async def at_once(alice: Trader, bob: Trader) -> list[str]:
    """Immediate-or-cancel, fill-or-kill and market orders against bob's resting ones. Returns alice's orders."""
    ticks = await bob.quiet_ticks(TOKEN)
    await bob.limit(TOKEN, "sell", 3, ticks)
    killed = await alice.limit(TOKEN, "buy", 5, ticks, timeInForce="FOK")
    equal((0.0, "canceled"), (killed["filled"], killed["status"]), "fill-or-kill of 5 against 3")
    ioc = await alice.limit(TOKEN, "buy", 5, ticks, timeInForce="IOC")
    equal((3.0, "canceled"), (ioc["filled"], ioc["status"]), "immediate-or-cancel of 5 against 3")
    ok("IOC and FOK", "5 wanted, 3 offered: IOC fills 3 and ends, FOK fills nothing")
    await bob.limit(TOKEN, "sell", 4, ticks)
    filled = await alice.limit(TOKEN, "buy", 2, ticks, timeInForce="FOK")
    equal((2.0, "closed"), (filled["filled"], filled["status"]), "fill-or-kill of 2 against 4")
    market = await alice.ex.create_order(TOKEN, "market", "buy", 2)
    equal((2.0, "closed", "market"), (market["filled"], market["status"], market["type"]), "market order")
    equal(price_of(ticks, alice.ex.market(TOKEN)), market["average"], "price of the market order")
    ok("market", f"2 filled at {market['average']}")
    return [killed["id"], ioc["id"], filled["id"], market["id"]]


async def waiting(alice: Trader, bob: Trader) -> None:
    """Stops, take-profits and trailing stops wait; a stop trades once its price was seen; all can be cancelled."""
    ex, market = alice.ex, alice.ex.market(TOKEN)
    ticks = await bob.quiet_ticks(TOKEN)
    low, high = price_of(ticks // 2, market), price_of(ticks + ticks // 2, market)
    far = {
        "stop_market": await ex.create_order(TOKEN, "market", "sell", 1, None, {"stopLossPrice": low}),
        "stop_limit": await ex.create_order(TOKEN, "limit", "sell", 1, low, {"stopLossPrice": low}),
        "take_market": await ex.create_order(TOKEN, "market", "sell", 1, None, {"takeProfitPrice": high}),
        "trailing_stop": await ex.create_order(TOKEN, "market", "sell", 1, None, {"trailingAmount": low}),
    }
    for kind, order in far.items():
        equal((kind, "untriggered"), (order["info"]["order_type"], order["info"]["order_state"]), kind)
    equal(low, far["stop_market"]["triggerPrice"], "trigger price of a stop")
    check({order["id"] for order in far.values()} <= await alice.open_ids(TOKEN), "waiting orders are open ones")
    for order in far.values():
        equal("canceled", (await ex.cancel_order(order["id"], TOKEN))["status"], "cancelled while it waits")
    # A stop at the quiet price: the trade there triggers it, and it meets bob's bid one tick lower.
    trigger = price_of(ticks, market)
    stop = await ex.create_order(TOKEN, "limit", "sell", 1, price_of(ticks - 1, market), {"stopLossPrice": trigger})
    triggered_at_once = stop["info"]["order_state"] != "untriggered"  # when the last price is below already
    await bob.limit(TOKEN, "buy", 1, ticks)
    if not triggered_at_once:
        await bob.limit(TOKEN, "buy", 1, ticks - 1)
        await alice.limit(TOKEN, "sell", 1, ticks, timeInForce="IOC")
    fetched = await ex.fetch_order(stop["id"], TOKEN)
    check(fetched["info"]["triggered"], "the stop was triggered")
    await ex.cancel_all_orders(TOKEN)
    await bob.ex.cancel_all_orders(TOKEN)
    ok("stop, take-profit, trailing", f"{len(far)} wait and are cancelled; a stop triggers: {fetched['status']}")


async def only_reduces(alice: Trader) -> None:
    """A reduce-only order that would open or add is refused by name; one that closes is taken."""
    symbol = next(symbol for symbol, market in alice.ex.markets.items() if market["future"])
    lots = (await alice.positions()).get(symbol, 0)
    ticks = await alice.quiet_ticks(symbol)
    adds, closes = ("buy", "sell") if lots > 0 else ("sell", "buy")
    try:
        await alice.limit(symbol, adds, 1, ticks, reduceOnly=True)
        raise StepFailed("a reduce-only order that reduces nothing was taken")
    except ccxt.ExchangeError as error:
        equal(20002, error_of(error)["code"], "code of a reduce-only order that reduces nothing")
    if lots:
        far = ticks // 2 if closes == "buy" else ticks + ticks // 2
        order = await alice.limit(symbol, closes, 1, far, reduceOnly=True)
        equal((True, "open"), (order["info"]["reduce_only"], order["status"]), "reduce-only order that closes")
        await alice.ex.cancel_order(order["id"], symbol)
    ok("reduceOnly", f"position {lots:+d}: 20002 for {adds}" + (f", {closes} is taken" if lots else ""))


async def ended(alice: Trader, ids: list[str]) -> None:
    """Ended orders can be fetched one by one and as a list, each once."""
    found = await alice.ex.fetch_closed_orders(TOKEN, None, None, {"include_unfilled": True})
    listed = [order["id"] for order in found]
    equal(len(set(listed)), len(listed), "different closed orders")
    equal(set(), set(ids) - set(listed), "closed orders that are missing")
    states = [(await alice.ex.fetch_order(identity, TOKEN))["status"] for identity in ids]
    equal(["canceled", "canceled", "canceled", "closed", "closed"], states, "states of ended orders")
    ok("fetch_closed_orders, fetch_order", f"{len(listed)} listed, {len(ids)} asked one by one")


async def cancelled_together(alice: Trader) -> None:
    """Cancel all of one market, then all."""
    low = await alice.quiet_ticks(TOKEN) // 2
    other = "TH1A/USDC"
    for lots in (1, 2, 3):
        await alice.limit(TOKEN, "buy", lots, low)
    kept = await alice.limit(other, "buy", 1, await alice.quiet_ticks(other) // 2)
    answer = await alice.ex.cancel_all_orders(TOKEN)
    equal(3, answer[0]["info"]["result"], "orders cancelled in the market")
    equal(set(), await alice.open_ids(TOKEN), "open orders in the market")
    equal({kept["id"]}, await alice.open_ids(other), "open orders in the other market")
    answer = await alice.ex.cancel_all_orders()
    equal(1, answer[0]["info"]["result"], "orders cancelled elsewhere")
    equal(set(), await alice.open_ids(other), "open orders in the other market")
    ok("cancel_all_orders", "3 in one market, then 1 in all")


async def watched(alice: Trader, before: Accounts, start: int) -> None:
    """What was pushed equals what is fetched: states of orders, trades exactly once, the last balance."""
    expected = sorted(trade["id"] for trade in await before.new_trades(alice))
    await alice.until(lambda: len(alice.watched_trade_ids(start)) >= len(expected), "trades arrive")
    equal(expected, sorted(alice.watched_trade_ids(start)), "watched trades")
    ok("watch_my_trades, fetch_my_trades", f"{len(expected)} trades, each once")
    states: dict[str, list[str]] = {}
    for channel, data in alice.ex.notes[start:]:
        if channel.startswith("user.orders."):
            for order in data if isinstance(data, list) else [data]:
                states.setdefault(order["order_id"], []).append(order["order_state"])
    for identity, seen in states.items():
        fetched = (await alice.ex.fetch_order(identity, TOKEN))["info"]["order_state"]
        equal(fetched, seen[-1], f"last watched state of order {identity}")
    counts = {state: sum(seen[-1] == state for seen in states.values()) for state in ("filled", "cancelled")}
    ok("watch_orders", f"{len(states)} orders, {counts['filled']} filled, {counts['cancelled']} cancelled")
    balances = await alice.balances()

    def last_balances() -> dict[str, int]:
        notes = [data for name, data in alice.ex.notes[start:] if name.startswith("user.portfolio")]
        rows: dict[str, Any] = {data["currency"]: data["balance"] for data in notes}
        return {asset: units(value, asset) for asset, value in rows.items()}

    await alice.until(lambda: last_balances() == balances, f"the watched balances become {balances}")
    ok("watch_balance, fetch_balance", ", ".join(text_of(amount, asset) for asset, amount in balances.items()))
