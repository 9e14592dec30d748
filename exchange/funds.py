"""House payments of risk: variation margin and final settlement of one asset, netted per account over its contracts.

Lives here: what open contracts owe since their last cycle, whether losers and the exchange's own money can carry a set
of flows, and paying them. Does not know: when a cycle runs, which months are fixed.
Netting matters: an account that is long one month and short another owes only the difference. Paid contract by
contract it could be short in the first, be rescued by the exchange's own money, and keep the gain of the second.
"""

from typing import NamedTuple

from domain.constants import REASON_MARGIN, SITG
from domain.events import ShortfallCovered, VariationMarginPaid
from domain.instruments import KIND_FORWARD
from exchange.epochs import cancel_where, cycle_flows, pay_flows, restart_positions
from exchange.state import State

Flows = list[tuple[int, int]]  # (account, signed ledger units), by account


class Due(NamedTuple):
    """What a cycle at this price owes in one contract."""

    instrument_id: int
    price_ticks: int
    flows: Flows


def cycle_dues(state: State, quote: str, *, without: frozenset[int] = frozenset()) -> list[Due]:
    """Every contract of the asset that is not settled and owes something at its mark, by instrument. O(pairs each)."""
    dues = []
    for instrument in state.instruments:
        number = instrument.instrument_id
        if number in state.settled or number in without:
            continue
        if instrument.kind == KIND_FORWARD and instrument.quote == quote:
            price_ticks, _ = state.core.mark(number)
            if flows := cycle_flows(state.core, number, price_ticks):
                dues.append(Due(number, price_ticks, flows))
    return dues


def netted(parts: list[Flows]) -> Flows:
    """One flow per account over all contracts, by account; zeros are left out.

    >>> netted([[(16, -5), (17, 5)], [(16, 5), (17, -5)], [(16, -1), (18, 1)]])
    [(16, -1), (18, 1)]
    """
    totals: dict[int, int] = {}
    for flows in parts:
        for account, amount in flows:
            totals[account] = totals.get(account, 0) + amount
    return [(account, amount) for account, amount in sorted(totals.items()) if amount]


def uncovered(state: State, asset: int, flows: Flows) -> int:
    """What neither the losers' whole balances nor the exchange's own money can pay; 0 when the flows can be paid."""
    ledger = state.core.ledger
    missing = sum(max(0, -amount - ledger.posted(account, asset)) for account, amount in flows if amount < 0)
    own = ledger.posted(SITG, asset) - ledger.held(SITG, asset)
    return int(max(0, missing - own))


def pay(state: State, asset: int, flows: Flows) -> None:
    """Pay covered, netted flows. A loser short of free cash first loses its orders: what they held pays (VM-007)."""
    ledger = state.core.ledger
    for account, amount in flows:
        if amount < 0 and ledger.posted(account, asset) - ledger.held(account, asset) < -amount:
            cancel_where(state.core, REASON_MARGIN, account=account)
    for account, missing in pay_flows(state.core, asset, flows):
        state.emit(ShortfallCovered(account, state.asset_at(asset).name, missing))


def finish_cycle(state: State, dues: list[Due]) -> None:
    """The dues were paid: positions restart at their prices, and everybody is told per contract."""
    for due in dues:
        restart_positions(state.core, due.instrument_id, due.price_ticks, due.flows)
        state.emit(VariationMarginPaid(state.cycle_id, due.instrument_id, due.price_ticks, tuple(due.flows)))
