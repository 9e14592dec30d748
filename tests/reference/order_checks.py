"""The questions asked about one order before it may enter: are its numbers acceptable, do its fields go together.

Lives here: pure functions over `BookRules` for one number each, and the checks of MATCH-024 that do not look at the
other side of the book, in their order.
Does not know: queues, matching, how an order that passed is carried out.
"""

from typing import Final

from domain.book_rules import BookRules
from domain.constants import (
    BUY,
    FOK,
    GFA,
    GTC,
    IOC,
    LIMIT,
    MARKET,
    MARKET_TO_LIMIT,
    PHASE_CLOSED,
    PHASE_EXPIRED,
    PHASE_HALT,
)
from tests.reference.book_records import RESTING, WAITING, Book, Order
from tests.reference.book_state import EngineState
from tests.reference.quotes import refuse_group

BPS: Final = 10_000
DISPLAY_SHARE_MAX: Final = 1_000  # an order is at most this many times what it shows


def refuse_lots(rules: BookRules, lots: int) -> str | None:
    """Reason why a quantity is not acceptable, None if it is. Rules MATCH-020, MATCH-021."""
    if not 0 < lots <= rules.lots_max:
        return "lots_range"
    if lots % rules.lot_step != 0:
        return "lot_step"
    return None


def refuse_price(rules: BookRules, price_ticks: int) -> str | None:
    """Reason why a limit is not acceptable, None if it is. Rules MATCH-022, MATCH-023, MATCH-037."""
    if price_ticks % step_at(rules, price_ticks) != 0:
        return "price_step"
    if not in_band(rules, price_ticks):
        return "price_band"
    return None


def in_band(rules: BookRules, price_ticks: int) -> bool:
    """Whether a price lies in the static band. Rule MATCH-023."""
    return rules.band_low_ticks <= price_ticks <= rules.band_high_ticks


def refuse_limit(book: Book, price_ticks: int, lots: int) -> str | None:
    """Why so many lots at a limit are not acceptable. Rules MATCH-022, MATCH-023, MATCH-036."""
    if (reason := refuse_price(book.rules, price_ticks)) is not None:
        return reason
    largest = book.rules.notional_max
    return "notional" if largest and not book.legs and price_ticks * lots > largest else None


def step_at(rules: BookRules, price_ticks: int) -> int:
    """What a price of this height is a multiple of. Rule MATCH-037."""
    step = rules.price_step_ticks
    for from_ticks, row_step in rules.tick_table:
        if price_ticks >= from_ticks:
            step = row_step
    return step


def valid_at_or_below(rules: BookRules, price_ticks: int) -> int:
    """The highest multiple of the right step that is not above a price; the band is not looked at. MATCH-037."""
    for from_ticks, step in reversed(rules.tick_table):
        if price_ticks < from_ticks:
            continue
        rounded = price_ticks - price_ticks % step
        if rounded >= from_ticks:
            return rounded
        price_ticks = from_ticks - 1  # no multiple in this row: the next lower row decides
    return price_ticks - price_ticks % rules.price_step_ticks


def valid_at_or_above(rules: BookRules, price_ticks: int) -> int:
    """The lowest multiple of the right step that is not below a price; the band is not looked at. MATCH-037."""
    starts = [from_ticks for from_ticks, _ in rules.tick_table]
    while True:
        rounded = price_ticks + -price_ticks % step_at(rules, price_ticks)
        passed = [start for start in starts if price_ticks < start <= rounded]
        if not passed:
            return rounded
        price_ticks = passed[0]  # a new row begins before the multiple is reached


def best_passive_price(rules: BookRules, side: int, opposite_ticks: int) -> int:
    """The best valid price that does not meet an opposite price; the band is not looked at. MATCH-017, MATCH-080."""
    if side == BUY:
        return valid_at_or_below(rules, opposite_ticks - 1)
    return valid_at_or_above(rules, opposite_ticks + 1)


def protection_limit(rules: BookRules, side: int, best_ticks: int) -> int:
    """Worst price a market order may trade at, 0 for no bound. Rules MATCH-025..027."""
    if rules.protection_ticks > 0:
        limit = best_ticks + (rules.protection_ticks if side == BUY else -rules.protection_ticks)
    elif rules.protection_bps > 0 and side == BUY:
        limit = best_ticks * (BPS + rules.protection_bps) // BPS
    elif rules.protection_bps > 0:
        limit = -(-best_ticks * (BPS - rules.protection_bps) // BPS)  # rounded up: towards the best price
    else:
        return 0
    return min(max(limit, 1, rules.band_low_ticks), rules.band_high_ticks)


def accepts(side: int, limit_ticks: int, price_ticks: int) -> bool:
    """Whether an order of this side and limit (0 = unbounded) trades at a price. Equality crosses. MATCH-004."""
    if limit_ticks == 0:
        return True
    return price_ticks <= limit_ticks if side == BUY else price_ticks >= limit_ticks


def is_better(side: int, one_ticks: int, other_ticks: int) -> bool:
    """Whether a taker of this side would rather trade at the one price than at the other."""
    return one_ticks < other_ticks if side == BUY else one_ticks > other_ticks


def dynamic_bounds(state: EngineState, book: Book) -> tuple[int, int] | None:
    """Lowest and highest price at which the book may trade now, None without bound. Rule MATCH-038."""
    bps, reference = book.rules.dynamic_bps, state.band_reference(book)
    if bps == 0 or reference == 0:
        return None
    return -(-reference * (BPS - bps) // BPS), reference * (BPS + bps) // BPS


# ---- MATCH-024, in its order -----------------------------------------------------------------------------------


def refuse_entry(state: EngineState, book: Book, order: Order, oco: int) -> str | None:
    """Steps 1 to 5 of MATCH-024 for a new order of a book that exists."""
    waits = order.trigger or order.trail_ticks or order.trail_bps
    reason = refuse_phase(book, GTC if waits and order.tif != GFA else order.tif)  # how long it lasts once it enters
    if reason is None and order.order_id in state.orders:
        reason = "duplicate_id"
    if reason is None and _is_bad(book, order, oco):
        reason = "bad_order"
    if reason is None:
        reason = _refuse_quantities(book.rules, order)
    if reason is None and order.order_type == LIMIT and not (order.peg and order.price_ticks == 0):
        reason = refuse_limit(book, order.price_ticks, order.open_lots)
    if reason is None and order.trigger_ticks != 0 and not in_band(book.rules, order.trigger_ticks):
        reason = "trigger_price"
    return reason or _refuse_ties(state, order, oco)


def refuse_phase(book: Book, tif: int) -> str | None:
    """What a book takes in its phase. Rules MATCH-018, MATCH-090."""
    if book.phase in (PHASE_CLOSED, PHASE_EXPIRED):
        return "closed"
    if book.phase == PHASE_HALT:
        return "halted"
    wrong = (IOC, FOK) if book.is_call else (GFA,)
    return "phase" if tif in wrong else None


def _is_bad(book: Book, order: Order, oco: int) -> bool:
    """Fields that do not go together (`bad_order`). Rules MATCH-024, MATCH-110."""
    is_limit = order.order_type == LIMIT
    return (
        min(order.display_lots, order.budget, order.trail_ticks, order.trail_bps) < 0
        or (order.display_lots > 0 and not (is_limit and order.tif in (GTC, GFA)))
        or (order.budget > 0 and (book.is_call or not (order.order_type == MARKET or order.tif == FOK)))
        or (order.trail_ticks > 0 and order.trail_bps > 0)
        or order.trail_bps >= BPS
        or (order.trigger != 0) != (order.trigger_ticks != 0)
        or (order.waits and order.tif == GFA)
        or (order.order_type == MARKET_TO_LIMIT and (order.tif == GFA or book.is_call))
        or (order.peg != 0 and not _is_plain(order, oco))
        or (bool(book.legs) and (not is_limit or order.peg != 0 or order.budget > 0))
    )


def _is_plain(peg: Order, oco: int) -> bool:
    """Whether a peg is nothing but a peg."""
    extras = (peg.post_only, peg.display_lots, peg.trigger, peg.trail_ticks, peg.trail_bps, peg.budget, oco)
    return peg.order_type == LIMIT and peg.tif == GTC and not any(extras)


def _refuse_quantities(rules: BookRules, order: Order) -> str | None:
    """Rules MATCH-020, MATCH-021, MATCH-065."""
    lots, display_lots = order.open_lots, order.display_lots
    if (reason := refuse_lots(rules, lots)) is not None:
        return reason
    if display_lots % rules.lot_step != 0:
        return "lot_step"
    if display_lots and not lots <= display_lots * DISPLAY_SHARE_MAX <= lots * DISPLAY_SHARE_MAX:
        return "display_range"
    return None


def _refuse_ties(state: EngineState, order: Order, oco: int) -> str | None:
    """Partner and protection group. Rules MATCH-079, MATCH-103."""
    if oco:
        other = state.orders.get(oco)
        if (
            other is None
            or (other.owner, other.book) != (order.owner, order.book)
            or other.state not in (RESTING, WAITING)
            or other.partner is not None
        ):
            return "oco_unknown"
    return refuse_group(state, order.owner, order.mmp)
