"""What a house payment may take before it counts as short.

Lives here: freeing the holds of losers. Does not know: why they owe.
"""

from domain.constants import REASON_MARGIN
from exchange.epochs import cancel_where
from exchange.state import State


def free_holds_of_short_losers(state: State, asset: int, flows: list[tuple[int, int]]) -> None:
    """A loser without enough free cash loses its open orders: what they held pays first (VM-007)."""
    ledger = state.core.ledger
    for account, flow in flows:
        if flow < 0 and ledger.posted(account, asset) - ledger.held(account, asset) < -flow:
            cancel_where(state.core, REASON_MARGIN, account=account)
