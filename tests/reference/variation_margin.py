"""Variation margin from its definition: lots carried move with the price, trades pay their distance to it.

Lives here: one account's flow in one contract (docs/rules/VM.md). Does not know: the compiled cost sums, balances.
"""

from collections.abc import Iterable


def flow(
    *, tick_value: int, carried_lots: int, previous_ticks: int, price_ticks: int, trades: Iterable[tuple[int, int]]
) -> int:
    """VM-001: tick_value x (carried x (P - previous) + sum of signed lots x (P - trade price)), ledger units.

    Args:
        carried_lots: signed lots at the last cycle, whose price was `previous_ticks`.
        trades: (signed lots, price) since then.
    """
    ticks = carried_lots * (price_ticks - previous_ticks)
    for signed_lots, trade_ticks in trades:
        ticks += signed_lots * (price_ticks - trade_ticks)
    return tick_value * ticks
