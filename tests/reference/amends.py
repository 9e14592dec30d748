"""Amending: what an owner may change about a live order and what becomes of its place.

Lives here: the checks of MATCH-044 and the three ways an amend ends: in place, as a fresh order, as a cancel.
Does not know: how a fresh order trades.
"""

from domain.constants import GTC
from tests.reference.book_records import PARKED, WAITING, Book, Order
from tests.reference.book_state import EngineState
from tests.reference.order_checks import refuse_limit, refuse_lots, refuse_phase
from tests.reference.pegs import peg_price, place, reference_of
from tests.reference.taking import sweep_and_settle, would_trade
from tests.reference.triggers import amend_waiting, refuse_trigger_change


def amend_order(
    state: EngineState, order: Order, price_ticks: int, total_lots: int, trigger_ticks: int = 0
) -> str | None:
    """Change price and total of a live order; or say why not, before anything changed. Rules MATCH-040..047.

    Args:
        price_ticks: the new limit, inside; means nothing for an order that has none.
        trigger_ticks: for one that waits its new trigger price, inside, 0 = as it was.
    """
    book = state.books[order.book]
    open_lots = total_lots - order.filled_lots
    if not order.has_limit:
        price_ticks = order.price_ticks
    reason = refuse_phase(book, GTC) or (None if total_lots == 0 else refuse_lots(book.rules, total_lots))
    if reason is None and order.has_limit and not (order.peg and price_ticks == 0):
        reason = refuse_limit(book, price_ticks, max(open_lots, 1))
    if reason is None and order.state == WAITING:
        reason = refuse_trigger_change(book, order, trigger_ticks)
    if reason is not None:
        return reason
    if open_lots <= 0:
        state.remove(order, "amend_total")
        return None
    if order.state == WAITING:
        return amend_waiting(state, book, order, price_ticks, open_lots, trigger_ticks)
    if order.peg:
        _amend_peg(state, book, order, price_ticks, open_lots)
        return None
    return _amend_resting(state, book, order, price_ticks, open_lots)


def _amend_resting(state: EngineState, book: Book, order: Order, price_ticks: int, open_lots: int) -> str | None:
    """Rules MATCH-041, MATCH-042, MATCH-045, MATCH-067, MATCH-091."""
    if price_ticks == order.price_ticks and open_lots <= order.open_lots:
        _amend_in_place(state, book, order, open_lots)
        return None
    if order.post_only and would_trade(state, book, order.side, price_ticks):
        return "post_only_cross"
    state.lift(order, "amend_replace")
    order.price_ticks = price_ticks
    order.open_lots = open_lots
    if book.is_continuous:
        sweep_and_settle(state, book, order)
    else:
        state.rest(order)
    return None


def _amend_in_place(state: EngineState, book: Book, order: Order, open_lots: int) -> None:
    level_lots = state.shrink(order, open_lots)
    price = book.out(order.price_ticks)
    state.say(book, ("amended", order.order_id, price, open_lots, level_lots))


def _amend_peg(state: EngineState, book: Book, peg: Order, limit_ticks: int, open_lots: int) -> None:
    """A new limit works at the end of the command, as any re-pricing; more lots cost the place. Rule MATCH-047."""
    peg.peg_limit = limit_ticks
    book.pegs_saw = None
    if peg.state == PARKED:
        peg.open_lots = open_lots
        place(state, book, peg, None)
    elif open_lots <= peg.open_lots:
        _amend_in_place(state, book, peg, open_lots)
    else:
        state.lift(peg, "amend_replace")
        peg.open_lots = open_lots
        place(state, book, peg, peg_price(book, peg, reference_of(book)))
