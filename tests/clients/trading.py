"""Step 2: two accounts trade tokens and forwards with each other; every balance and position is exact.

Lives here: which markets and sizes; odd prices, so that fees have to be rounded.
Does not know: how effects are computed (exact.py).
"""

from tests.clients.checks import check, equal, ok
from tests.clients.exact import exact, fee_units
from tests.clients.trader import Accounts, Trader, meet

FORWARDS = ("HPU/USDC:USDC-240131", "HPB/BTC:BTC-240229")
SYMBOLS = ("TH1A/BTC", "TH1A/USDC", "BTC/USDC", *FORWARDS)


async def run(alice: Trader, bob: Trader) -> None:
    """Each market once in both directions; raises StepFailed at a difference of one ledger unit."""
    for symbol, lots in (("TH1A/BTC", 7), ("TH1A/USDC", 3), ("BTC/USDC", 111), (FORWARDS[0], 3), (FORWARDS[1], 2)):
        held_before = [(await trader.positions()).get(symbol, 0) for trader in (alice, bob)]
        await trade_and_compare(alice, bob, symbol, lots)
        if symbol in FORWARDS:
            for trader, lots_before in zip((alice, bob), held_before, strict=True):
                await look_at_position(trader, symbol, is_new=lots_before == 0)
    for symbol, lots in (("TH1A/BTC", 2), (FORWARDS[0], 1)):
        await trade_and_compare(bob, alice, symbol, lots)


async def trade_and_compare(seller: Trader, buyer: Trader, symbol: str, lots: int) -> None:
    """One trade; the seller's order rests."""
    before = await Accounts((seller, buyer), SYMBOLS).note()
    market = seller.ex.market(symbol)
    ticks = await seller.quiet_ticks(symbol)
    trade = await meet(seller, buyer, symbol, "sell", lots, ticks | 1)  # odd: shares of it rarely come out even
    texts = await before.compare()
    fee = fee_units(trade, market)
    check(fee > 0, "the maker pays a fee")
    ok(f"trade {symbol}", f"{trade['amount']} @ {trade['price']}; " + "; ".join(texts))


async def look_at_position(trader: Trader, symbol: str, *, is_new: bool) -> None:
    """Side, margin and, for a position that one trade made, its unsettled result."""
    (position,) = await trader.ex.fetch_positions([symbol])
    info = position["info"]
    equal("long" if info["x_lots"] > 0 else "short", position["side"], f"side of {trader.name}'s position")
    check(exact(info["initial_margin"]) > exact(info["maintenance_margin"]) > 0, "margin is asked for the position")
    if is_new:
        gap = exact(info["mark_price"]) - exact(info["average_price"])
        equal(exact(info["size"]) * gap, exact(info["floating_profit_loss"]), f"unsettled result of {trader.name}")
    ok(
        f"fetch_positions {trader.name} {symbol}",
        f"{info['size']} @ {info['average_price']}, mark {info['mark_price']}, margin {info['initial_margin']}",
    )
