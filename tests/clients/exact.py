"""Exact arithmetic beside the client: what trades must do to balances and positions, in ledger units.

Lives here: decimals of the wire to integers, fees rounded up, the sum of effects of a list of trades.
Does not know: the client library, the venue's own code: this is a second writing of the fee and settlement rules.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from tests.clients.checks import StepFailed

SCALES = {"BTC": 10**11, "USDC": 10**6}  # millisatoshis, micro-dollars
TOKEN_SCALE = 10**3  # thousandths of a TH/s
PPM = 10**6


def scale_of(asset: str) -> int:
    """Ledger units of one whole unit."""
    return SCALES.get(asset, TOKEN_SCALE)


def exact(value: Any) -> Decimal:
    """A number of the client as the decimal that came over the wire."""
    return Decimal(str(value))


def units(value: Any, asset: str) -> int:
    """An amount in ledger units. Raises StepFailed when it is finer than a unit."""
    scaled = exact(value) * scale_of(asset)
    if scaled != int(scaled):
        raise StepFailed(f"{value} {asset} is no whole number of ledger units")
    return int(scaled)


def text_of(amount_units: int, asset: str) -> str:
    """Ledger units as a signed decimal."""
    return f"{Decimal(amount_units) / scale_of(asset):+f} {asset}"


def fee_ppm(market: Mapping[str, Any], role: str) -> int:
    """Fee rate of a market for "taker" or "maker"."""
    return int(exact(market[role]) * PPM)


def fee_units(trade: Mapping[str, Any], market: Mapping[str, Any]) -> int:
    """The fee of one fill, rounded up to a ledger unit of the quote."""
    value = value_units(trade, market)
    return -(-value * fee_ppm(market, trade["takerOrMaker"]) // PPM)


def value_units(trade: Mapping[str, Any], market: Mapping[str, Any]) -> int:
    """price x amount in ledger units of the quote."""
    scaled = exact(trade["price"]) * exact(trade["amount"]) * scale_of(market["quote"])
    if scaled != int(scaled):
        raise StepFailed(f"trade {trade['id']} has a value finer than a ledger unit")
    return int(scaled)


def effects(trades: Iterable[Mapping[str, Any]], markets: Mapping[str, Any]) -> tuple[Counter[str], Counter[str]]:
    """What trades of one account do: (balance changes in units by asset, position changes in lots by symbol).

    Spot settles both legs inside the fill; a forward pays only its fee until the next margin cycle.
    """
    money: Counter[str] = Counter()
    lots: Counter[str] = Counter()
    for trade in trades:
        market = markets[trade["symbol"]]
        sign = 1 if trade["side"] == "buy" else -1
        money[market["quote"]] -= fee_units(trade, market)
        if market["spot"]:
            money[market["base"]] += sign * units(trade["amount"], market["base"])
            money[market["quote"]] -= sign * value_units(trade, market)
        else:
            lots[trade["symbol"]] += sign * lots_of(trade["amount"], market)
    return money, lots


def lots_of(amount: Any, market: Mapping[str, Any]) -> int:
    """An amount in lots of its market. Raises StepFailed when it is none."""
    count = exact(amount) / exact(market["precision"]["amount"])
    if count != int(count):
        raise StepFailed(f"{amount} is no whole number of lots of {market['symbol']}")
    return int(count)


def ticks_of(price: Any, market: Mapping[str, Any]) -> int:
    """A price in ticks of its market."""
    return int((exact(price) / exact(market["precision"]["price"])).to_integral_value())


def price_of(ticks: int, market: Mapping[str, Any]) -> float:
    """Ticks as the number the client takes."""
    return float(ticks * exact(market["precision"]["price"]))
