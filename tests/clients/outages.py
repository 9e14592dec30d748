"""Steps 6 and 7: the websocket is lost, the gateway is killed, the core is killed; nothing is lost, nothing is double.

Lives here: the three outages and what must be there afterwards. Processes are killed by the ids in the venue's own
run folder, so this runs only against a venue that the session was given the home of.
Does not know: how the venue recovers.
"""

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import ccxt

from tests.clients.checks import check, equal, error_of, ok
from tests.clients.trader import Accounts, Trader, meet

TOKEN = "TH1A/BTC"
FORWARD = "HPU/USDC:USDC-240131"
SYMBOLS = (TOKEN, FORWARD)
BACK_S = 60.0
BURST_ORDERS = 400
BURST_AT_ONCE = 16
KILL_AFTER = 100  # acknowledged orders
AGAIN_S = 0.02
REFUSALS_MAX = 50_000
OUTCOME_UNKNOWN = 20003


async def lose_connection(alice: Trader, bob: Trader) -> None:
    """Trades and cancels happen while alice's websocket is gone; after the next watch all of it is there."""
    before = await Accounts((alice, bob), SYMBOLS).note()
    start = len(alice.ex.notes)
    await alice.watch_private()
    low = await alice.quiet_ticks(TOKEN) // 2
    kept, gone = [await alice.limit(TOKEN, "buy", lots, low) for lots in (2, 3)]
    seen_trade = await meet(alice, bob, TOKEN, "sell", 1)
    await alice.until(lambda: seen_trade["id"] in alice.watched_trade_ids(start), "the first trade arrives")
    alice.drop_connection()
    await lost(alice)
    await alice.stop_watching()
    missed = [await meet(alice, bob, symbol, "sell", 2) for symbol in SYMBOLS]
    await alice.ex.cancel_order(gone["id"], TOKEN)
    again = len(alice.ex.notes)
    await alice.watch_private()
    equal({kept["id"]}, await alice.open_ids(TOKEN), "open orders after the reconnect")
    new_ids = [trade["id"] for trade in await before.new_trades(alice)]
    equal(sorted(trade["id"] for trade in (seen_trade, *missed)), sorted(new_ids), "trades after the reconnect")
    last = await meet(alice, bob, TOKEN, "sell", 1)
    await alice.until(lambda: last["id"] in alice.watched_trade_ids(again), "trades arrive again")
    equal([last["id"]], alice.watched_trade_ids(again), "trades pushed after the reconnect")
    equal([seen_trade["id"], last["id"]], alice.watched_trade_ids(start), "trades pushed altogether")
    await alice.stop_watching()
    await alice.ex.cancel_all_orders()
    ok("reconnect", f"{len(missed)} trades and 1 cancel while away; " + "; ".join(await before.compare()))


async def lost(trader: Trader) -> None:
    """Wait until the library noticed: its watch calls end with a network error."""
    done, _ = await asyncio.wait(trader.tasks, timeout=30, return_when=asyncio.FIRST_COMPLETED)
    check(done, "the library does not notice that the connection is gone")
    error = next(iter(done)).exception()
    check(isinstance(error, ccxt.NetworkError), f"a lost connection is a network error, not {error!r}")
    ok("connection lost", type(error).__name__)


async def kill_gateway(alice: Trader, bob: Trader, run_folder: Path) -> None:
    """Orders outlive the process that took them; both accounts go on with the next one."""
    before = await Accounts((alice, bob), SYMBOLS).note()
    await alice.watch_private()
    low = await alice.quiet_ticks(TOKEN) // 2
    resting = {(await alice.limit(TOKEN, "buy", lots, low))["id"] for lots in (1, 2, 3)}
    old = kill(run_folder / "gateway.pid")
    await lost(alice)
    await alice.stop_watching()
    await back(alice, run_folder / "gateway.pid", old)
    equal(resting, await alice.open_ids(TOKEN), "open orders after the gateway's restart")
    again = len(alice.ex.notes)
    await alice.watch_private()
    traded = await meet(bob, alice, TOKEN, "sell", 2)
    await alice.until(lambda: traded["id"] in alice.watched_trade_ids(again), "trades arrive from the new gateway")
    equal([traded["id"]], alice.watched_trade_ids(again), "trades pushed by the new gateway")
    await alice.stop_watching()
    answer = await alice.ex.cancel_all_orders(TOKEN)
    equal(len(resting), answer[0]["info"]["result"], "orders cancelled")
    ok("gateway killed", f"{len(resting)} orders stayed; " + "; ".join(await before.compare()))


async def kill_core(alice: Trader, bob: Trader, run_folder: Path) -> None:
    """Orders are sent as fast as they are answered, and again while the venue says "try again"; the core dies among
    them. What was acknowledged is there, once; what was refused or never answered is there at most once."""
    before = await Accounts((alice, bob), SYMBOLS).note()
    low = await alice.quiet_ticks(TOKEN) // 2
    client = alice.fresh_client(enableRateLimit=False)
    acknowledged: dict[str, str] = {}
    unknown: list[str] = []
    refusals = 0
    labels = iter([f"burst-{number}" for number in range(BURST_ORDERS)])
    old = 0

    async def send() -> None:
        nonlocal old, refusals
        for label in labels:
            while label not in acknowledged and label not in unknown:
                try:
                    order = await client.create_order(TOKEN, "limit", "buy", 1, 1e-8 * low, {"label": label})
                    acknowledged[label] = order["id"]
                except ccxt.OnMaintenance:  # 11051: not sent, to be tried again
                    refusals += 1
                    check(refusals < REFUSALS_MAX, "the venue does not take orders again")
                    await asyncio.sleep(AGAIN_S)
                except ccxt.NetworkError:  # no answer
                    unknown.append(label)
                except ccxt.ExchangeError as error:
                    equal(OUTCOME_UNKNOWN, error_of(error)["code"], "code of an order in the core's hands")
                    unknown.append(label)
            if len(acknowledged) >= KILL_AFTER and not old:
                old = kill(run_folder / "core.pid")

    try:
        await client.load_markets()
        await asyncio.gather(*(send() for _ in range(BURST_AT_ONCE)))
    finally:
        await client.close()
    check(old, f"only {len(acknowledged)} orders were acknowledged, the core was not killed")
    await back(alice, run_folder / "core.pid", old)
    found = [(o["info"]["label"], o["id"]) for o in await alice.ex.fetch_open_orders(TOKEN)]
    equal(len({label for label, _ in found}), len(found), "different labels among the open orders")
    open_orders = dict(found)
    missing = {label: identity for label, identity in acknowledged.items() if open_orders.get(label) != identity}
    equal({}, missing, "acknowledged orders that are not there")
    equal(set(), set(open_orders) - set(acknowledged) - set(unknown), "orders that nobody sent")
    answer = await alice.ex.cancel_all_orders(TOKEN)
    equal(len(open_orders), answer[0]["info"]["result"], "orders cancelled")
    held = await alice.balances("spot_reserve")
    equal(set(), {asset for asset, amount in held.items() if amount}, "assets still held after all were cancelled")
    traded = await meet(alice, bob, TOKEN, "sell", 2)
    ok(
        "core killed",
        f"{len(acknowledged)} acknowledged and all there, {len(unknown)} unknown, {refusals} told to try again, "
        f"{len(open_orders)} open; trade {traded['id']} after; " + "; ".join(await before.compare()),
    )


def kill(pid_path: Path) -> int:
    """Kill the process whose id the venue wrote down."""
    process_id = int(pid_path.read_text(encoding="ascii"))
    os.kill(process_id, signal.SIGKILL)
    return process_id


async def back(trader: Trader, pid_path: Path, old: int) -> None:
    """Wait until another process runs and private reads are answered again."""
    loop = asyncio.get_running_loop()
    start = loop.time()
    last: Any = "no new process"
    while loop.time() < start + BACK_S:
        await asyncio.sleep(0.2)
        if int(pid_path.read_text(encoding="ascii") or old) == old:
            continue
        try:
            await trader.ex.fetch_balance()
            await trader.trades(TOKEN)
        except ccxt.BaseError as error:
            last = error
            continue
        ok(f"{pid_path.stem} back", f"after {loop.time() - start:.1f} s")
        return
    check(False, f"{pid_path.stem} is not back after {BACK_S:.0f} s: {last}")
