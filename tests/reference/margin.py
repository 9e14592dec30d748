"""Margin from its definition: every figure is computed anew from the list of positions and open orders.

Lives here: the 16 scenarios, the scan range, the worst case over any fills, the requirement (docs/rules/MARGIN.md).
Does not know: the compiled vectors, balances, the book. Fractions, so that no rounding hides a difference.
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import product
from math import ceil
from typing import NamedTuple

# (price move as part of the scan range, weight): four pairs of volatility moves, then the two extremes.
SCENARIOS = [
    (Fraction(move, 3), Fraction(1)) for move in (0, 0, 1, 1, -1, -1, 2, 2, -2, -2, 3, 3, -3, -3)
] + [(Fraction(3), Fraction(33, 100)), (Fraction(-3), Fraction(33, 100))]


class Contract(NamedTuple):
    """What margin has to know of a forward."""

    psr: int
    mark_ticks: int
    tick_value: int


class OpenOrder(NamedTuple):
    """An open forward order."""

    contract: int
    side: int  # 0 buy, 1 sell
    price_ticks: int
    lots: int


def scan_range(mark_ticks: int, tick_value: int, days: int, rate_ppm: int) -> int:
    """MARGIN-001: per day a multiple of 300, rounded up, times the days."""
    per_day = ceil(Fraction(mark_ticks * tick_value, days) * Fraction(rate_ppm, 10**6))
    return ceil(Fraction(per_day, 300)) * 300 * days


def loss_of_long_lot(contract: Contract, scenario: int) -> Fraction:
    """MARGIN-002: what one long lot loses, negative for a gain."""
    move, weight = SCENARIOS[scenario]
    return -move * contract.psr * weight


def loss_at_fill(contract: Contract, order: OpenOrder) -> int:
    """MARGIN-003: a fill worse than the mark costs the difference at once; a better one earns nothing."""
    worse = order.price_ticks - contract.mark_ticks if order.side == 0 else contract.mark_ticks - order.price_ticks
    return max(0, worse) * contract.tick_value


def loss_of_order_lot(contract: Contract, order: OpenOrder, scenario: int) -> Fraction:
    """One lot of the order, filled, in a scenario."""
    direction = 1 if order.side == 0 else -1
    return direction * loss_of_long_lot(contract, scenario) + loss_at_fill(contract, order)


def worst_over_fills(
    contracts: dict[int, Contract], positions: dict[int, int], orders: Sequence[OpenOrder]
) -> Fraction:
    """MARGIN-004: an order fills in part, whole or not; linear in each, so each counts whole where it loses."""
    worst = Fraction(0)
    for scenario in range(len(SCENARIOS)):
        loss = sum((lots * loss_of_long_lot(contracts[c], scenario) for c, lots in positions.items()), Fraction(0))
        for order in orders:
            loss += order.lots * max(Fraction(0), loss_of_order_lot(contracts[order.contract], order, scenario))
        worst = max(worst, loss)
    return worst


def worst_over_subsets(
    contracts: dict[int, Contract], positions: dict[int, int], orders: Sequence[OpenOrder]
) -> Fraction:
    """The same by trying every subset of whole fills: 2**orders, for small lists."""
    worst = Fraction(0)
    for filled in product((False, True), repeat=len(orders)):
        for scenario in range(len(SCENARIOS)):
            loss = sum((lots * loss_of_long_lot(contracts[c], scenario) for c, lots in positions.items()), Fraction(0))
            for order, taken in zip(orders, filled, strict=True):
                if taken:
                    loss += order.lots * loss_of_order_lot(contracts[order.contract], order, scenario)
            worst = max(worst, loss)
    return worst


def maintenance(
    contracts: dict[int, Contract], positions: dict[int, int], orders: Iterable[OpenOrder], spread_charge: int
) -> int:
    """MARGIN-005: min(scan + spread, sum of outrights). Whole units: every scan range is a multiple of 300."""
    listed = list(orders)
    longs = shorts = gross = exposed = 0
    for contract_id, contract in contracts.items():
        lots = positions.get(contract_id, 0)
        mine = [order for order in listed if order.contract == contract_id]
        long = max(0, lots + sum(order.lots for order in mine if order.side == 0))
        short = max(0, sum(order.lots for order in mine if order.side == 1) - lots)
        longs, shorts = longs + long, shorts + short
        gross += max(long, short) * contract.psr + sum(order.lots * loss_at_fill(contract, order) for order in mine)
        exposed += 1 if long or short else 0
    scan = worst_over_fills(contracts, positions, listed)
    spread = spread_charge * min(longs, shorts) if exposed >= 2 else 0
    result = min(scan + spread, Fraction(gross))
    if result.denominator != 1:
        raise ArithmeticError(f"margin {result} is not a whole number of units")
    return int(result)


def initial(maintenance_units: int) -> int:
    """MARGIN-005: five quarters, rounded up."""
    return ceil(Fraction(5, 4) * maintenance_units)
