"""Step 5: what must be refused, with its code and what the client needs to repair it, and that nothing changes.

Lives here: the account outside the whitelist, orders beyond margin and balance, off tick, off lot, unknown markets.
Does not know: how the venue decides.
"""

from collections.abc import Awaitable
from typing import Any

import ccxt

from tests.clients.checks import StepFailed, check, equal, error_of, ok
from tests.clients.exact import price_of
from tests.clients.trader import Accounts, Trader

TOKEN = "TH1A/BTC"
FORWARD = "HPU/USDC:USDC-240131"
RULE = "hashrate_investor"
BEYOND_LOTS = 5_000  # PH/s for a month: several times what the demo's accounts can carry


async def run(alice: Trader, mallory: Trader) -> None:
    """All refusals; then both accounts are as they were and still work."""
    before = await Accounts((alice, mallory), [TOKEN, FORWARD]).note()
    await not_whitelisted(mallory)
    await beyond_means(alice)
    await malformed(alice)
    for trader in (alice, mallory):
        for symbol in (TOKEN, FORWARD):
            equal(set(), await trader.open_ids(symbol), f"open orders of {trader.name} in {symbol}")
    ok("refusals changed nothing", "; ".join(await before.compare()))


async def refused(kind: type[BaseException], code: int, call: Awaitable[Any], what: str) -> dict[str, Any]:
    """Await a call that must raise `kind` with the venue's `code`; returns the error's data."""
    try:
        answer = await call
    except ccxt.BaseError as error:
        found = error_of(error)
        equal((kind.__name__, code), (type(error).__name__, found["code"]), f"{what}: exception and code")
        return dict(found["data"])
    raise StepFailed(f"{what} was accepted: {answer}")


async def not_whitelisted(mallory: Trader) -> None:
    """The rule is named in the refusal, and x/get_eligibility says why."""
    for symbol in (TOKEN, FORWARD):
        ticks = await mallory.quiet_ticks(symbol)
        for side in ("buy", "sell"):
            data = await refused(ccxt.ExchangeError, 20001, mallory.limit(symbol, side, 1, ticks), f"{side} {symbol}")
            equal(RULE, data["rule"], "rule that refused")
    order = mallory.ex.create_order(TOKEN, "market", "buy", 1)
    data = await refused(ccxt.ExchangeError, 20001, order, "a market order")
    ok("not whitelisted", f"20001, rule {data['rule']}, {data['reason']}")
    answer = (await mallory.ex.request("x/get_eligibility", ["private"], "GET", {}))["result"]
    (rule,) = [row for row in answer["rules"] if row["rule"] == RULE]
    equal(False, rule["eligible"], "eligible")
    equal(data["reason"], rule["reason"], "reason")
    check("TH1A_BTC" in rule["instruments"], "the rule names the instruments that ask for it")
    ok("x/get_eligibility", f"{rule['rule']} wants {', '.join(rule['requires'])}: {rule['reason']}")


async def beyond_means(alice: Trader) -> None:
    """Beyond margin on a forward, beyond the balance on spot."""
    ticks = await alice.quiet_ticks(FORWARD)
    for side in ("buy", "sell"):
        order = alice.limit(FORWARD, side, BEYOND_LOTS, ticks)
        data = await refused(ccxt.InsufficientFunds, 10009, order, f"{side} {BEYOND_LOTS} lots")
        equal(("margin", "USDC"), (data["rule"], data["currency"]), "rule and currency")
        check(data["missing"] > 0, f"missing margin {data['missing']}")
        ok(f"{side} beyond margin", f"10009, rule {data['rule']}, {data['missing']} {data['currency']} missing")
    ticks = await alice.quiet_ticks(TOKEN)
    order = alice.limit(TOKEN, "sell", 900_000, ticks)
    data = await refused(ccxt.InsufficientFunds, 10009, order, "sell 900000 tokens")
    equal(("balance", "TH1A"), (data["rule"], data["currency"]), "rule and currency")
    ok("sell beyond balance", f"10009, rule {data['rule']}, {data['missing']} {data['currency']} missing")


async def malformed(alice: Trader) -> None:
    """Values the library would round are sent as they are, through its own `params`."""
    ex, market, forward = alice.ex, alice.ex.market(TOKEN), alice.ex.market(FORWARD)
    price = price_of(await alice.quiet_ticks(TOKEN), market)
    order = ex.create_order(TOKEN, "limit", "buy", 1, price, {"price": f"{price:.8f}5"})
    data = await refused(ccxt.InvalidOrder, 10043, order, "a price off tick")
    equal(market["precision"]["price"], data["tick_size"], "tick size in the refusal")
    ok("off tick", f"10043, {data['reason']}, tick {data['tick_size']}")
    days = int(forward["precision"]["amount"])
    price = price_of(await alice.quiet_ticks(FORWARD), forward)
    order = ex.create_order(FORWARD, "limit", "buy", days, price, {"amount": "100"})
    data = await refused(ccxt.InvalidOrder, 10021, order, "an amount off lot")
    below = 100 // days * days
    check(str(days) in data["reason"], f"the reason names {days}: {data['reason']}")
    equal([below, below + days], data["nearest_amounts"], "nearest amounts")
    ok("off lot", f"10021, {data['reason']}, nearest {data['nearest_amounts']}")
    order = ex.request("buy", ["private"], "GET", {"instrument_name": "NOPE_BTC", "amount": 1, "price": 1})
    data = await refused(ccxt.ExchangeError, 10020, order, "an unknown instrument")
    equal("instrument_name", data["param"], "field in the refusal")
    ok("unknown instrument", f"10020, {data['reason']}")
    order = ex.request("buy", ["private"], "GET", {"instrument_name": "TH1A_BTC", "amount": "many", "price": 1})
    data = await refused(ccxt.BadRequest, -32602, order, "an amount that is no number")
    ok("bad parameter", f"-32602, {data['param']}")
