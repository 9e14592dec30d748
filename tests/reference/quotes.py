"""Market makers: protection of their groups, and which command a quote amounts to.

Lives here: counting fills against a group's limits, freezing it, refusing while it is frozen; the record of quotes.
Does not know: how an order trades or is amended.
"""

from typing import Final

from domain.constants import BUY
from domain.ensure import ensure
from tests.reference.book_records import INCOMING, Order, Protection
from tests.reference.book_state import EngineState

FILLS_REMEMBERED: Final = 64
GROUP_MAX: Final = 16


def set_mmp(
    state: EngineState, owner: int, group: int, *, lots: int, delta: int, vega: int, window: int, frozen: int
) -> None:
    """Set or replace the limits of a group; what was counted stays. Rule MATCH-102."""
    ensure(owner > 0 and 1 <= group <= GROUP_MAX, "a protection group is somebody's and from 1 to 16")
    ensure(min(lots, delta, vega, frozen) >= 0 and window > 0, "limits are not negative and a window has a length")
    known = state.protections.get((owner, group))
    if known is None:
        state.protections[owner, group] = Protection(lots, delta, vega, window, frozen)
        return
    known.lots_max, known.delta_max, known.vega_max = lots, delta, vega
    known.window, known.frozen = window, frozen


def reset_mmp(state: EngineState, owner: int, group: int) -> None:
    """Forget fills and freeze; nothing for a group that was not set. Rule MATCH-103."""
    known = state.protections.get((owner, group))
    if known is not None:
        known.fills.clear()
        known.frozen_until = None


def refuse_group(state: EngineState, owner: int, group: int) -> str | None:
    """Why an order may not be tagged with a group. Rule MATCH-103."""
    if group == 0:
        return None
    known = state.protections.get((owner, group))
    if known is None:
        return "mmp_unknown"
    return "mmp_frozen" if _is_frozen(state, known) else None


def _is_frozen(state: EngineState, known: Protection) -> bool:
    until = known.frozen_until
    return until is not None and (until == 0 or state.now < until)


def count_fill(state: EngineState, order: Order, lots: int) -> None:
    """Count a fill of a tagged order; above a limit everything tagged goes at once. Rules MATCH-102..104."""
    known = state.protections[order.owner, order.mmp]
    if _is_frozen(state, known):
        return  # sums start at nothing after a freeze
    known.frozen_until = None
    book = state.books[order.book]
    signed = lots if order.side == BUY else -lots
    known.fills = [fill for fill in known.fills if fill[0] > state.now - known.window]
    known.fills.append((state.now, lots, signed * book.delta, signed * book.vega))
    if len(known.fills) > FILLS_REMEMBERED:
        oldest, second, *others = known.fills
        merged = (second[0], oldest[1] + second[1], oldest[2] + second[2], oldest[3] + second[3])
        known.fills = [merged, *others]
    if _is_above(known):
        _freeze(state, order.owner, order.mmp, known)


def _is_above(known: Protection) -> bool:
    limits = (known.lots_max, known.delta_max, known.vega_max)
    return any(
        limit and abs(sum(fill[place] for fill in known.fills)) > limit for place, limit in enumerate(limits, start=1)
    )


def _freeze(state: EngineState, owner: int, group: int, known: Protection) -> None:
    known.fills.clear()
    known.frozen_until = state.now + known.frozen if known.frozen else 0
    state.events.append(("mmp", owner, group, known.frozen_until))
    tagged = [order for order in state.orders.values() if (order.owner, order.mmp) == (owner, group)]
    for order in sorted(tagged, key=lambda order: order.entry):
        if order.state != INCOMING:  # a taker's rest is the last: stop_frozen
            state.remove(order, "mmp")


def stop_frozen(state: EngineState, taker: Order) -> None:
    """Cancel the rest of a taker whose group a trade has frozen. Rule MATCH-102."""
    if taker.mmp and taker.open_lots > 0 and _is_frozen(state, state.protections[taker.owner, taker.mmp]):
        state.remove(taker, "mmp")


def keep_quote(state: EngineState, order: Order | None, quote_set: int) -> None:
    """Remember what entered as the quote of its owner, set, book and side while it is alive. Rule MATCH-100."""
    if order is not None:
        order.quote_key = (order.owner, quote_set, order.book, order.side)
        state.quotes[order.quote_key] = order
