"""Orders that wait for a price: accepting, following extremes, triggering, the cascade.

Lives here: stops, take-profits, trailing stops, amending what waits, the line of seen prices.
Does not know: how a triggered order trades, who sees which price.
"""

from domain.constants import BUY, TRIGGER_UP
from tests.reference.book_records import INCOMING, WAITING, Book, Order
from tests.reference.book_state import EngineState
from tests.reference.order_checks import BPS
from tests.reference.taking import cancel_partner, enter

CANCEL_REASONS = {"post_only_cross": "post_only"}  # refusals that are called otherwise once an order was accepted


def enter_waiting(
    state: EngineState, book: Book, order: Order, *, trailing_max: int, room: bool, oco: int
) -> str | None:
    """Let an order wait, or trigger it at once; or say why it may not. Rules MATCH-024, MATCH-070, 071, 075..078."""
    met = not order.trails and book.is_continuous and is_met(book, order)
    if met and book.rules.reject_triggered:
        return "would_trigger"
    if order.trails and sum(other.trails for other in book.waiting.values()) >= trailing_max:
        return "trailing_full"
    if not room:
        return "book_full"
    state.accept(order, oco)
    start_waiting(state, book, order)
    if met:
        _trigger_now(state, book, order)
    else:
        say_pending(state, book, order)
    return None


def start_waiting(state: EngineState, book: Book, order: Order) -> None:
    """Put an order among those that wait; a trailing one begins to follow if it may. MATCH-075, MATCH-076."""
    order.state = WAITING
    book.waiting[order.order_id] = order
    activate_if_met(book, order)


def activate_if_met(book: Book, order: Order) -> None:
    """Let a trailing order follow from the reference of this moment. Rules MATCH-075, MATCH-076."""
    if order.trails and (order.trigger == 0 or is_met(book, order)):
        order.active = True
        order.extreme_ticks = book.references[order.reference] or 0


def say_pending(state: EngineState, book: Book, order: Order) -> None:
    state.say(book, ("pending", order.order_id, book.out(order.trigger_ticks), order.open_lots))


def is_met(book: Book, order: Order) -> bool:
    """Whether the reference stands at or beyond the trigger price. Rule MATCH-070."""
    price = book.references[order.reference]
    return price is not None and _is_reached(order, price)


def _is_reached(order: Order, price_ticks: int) -> bool:
    if order.trigger == TRIGGER_UP:
        return price_ticks >= order.trigger_ticks
    return price_ticks <= order.trigger_ticks


# ---- the cascade -----------------------------------------------------------------------------------------------


def run_line(state: EngineState) -> None:
    """Look at seen prices in their order until none is left; what triggered trades adds to the end. MATCH-072, 073."""
    while state.line:
        book, reference, price = state.line.popleft()
        watching = [order for order in book.waiting.values() if order.reference == reference]
        moved = {order.order_id for order in watching if order.trails and _follow(order, price)}
        triggered = [order for order in watching if _triggers(order, price, just_active=order.order_id in moved)]
        for order in triggered:
            # Gone ones are passed over. Those of a book that is in a call meanwhile go on waiting (MATCH-074).
            if order.state == WAITING and book.is_continuous:
                _trigger(state, book, order, price)


def _follow(order: Order, price_ticks: int) -> bool:
    """Move a trailing order's extreme; returns whether this price activated it. Rules MATCH-075..077."""
    if not order.active:
        if not _is_reached(order, price_ticks):
            return False
        order.active = True
        order.extreme_ticks = price_ticks
        return True
    further = min if order.side == BUY else max
    order.extreme_ticks = further(order.extreme_ticks or price_ticks, price_ticks)
    return False


def _triggers(order: Order, price_ticks: int, *, just_active: bool) -> bool:
    """Whether a seen price triggers an order, whose extreme includes it. Rules MATCH-070, MATCH-075, MATCH-076."""
    if not order.trails:
        return _is_reached(order, price_ticks)
    if not order.active or just_active:
        return False
    extreme = order.extreme_ticks
    if order.side == BUY:
        if order.trail_ticks:
            return price_ticks >= extreme + order.trail_ticks
        return price_ticks * BPS >= extreme * (BPS + order.trail_bps)
    if order.trail_ticks:
        return price_ticks <= extreme - order.trail_ticks
    return price_ticks * BPS <= extreme * (BPS - order.trail_bps)


def _trigger_now(state: EngineState, book: Book, order: Order) -> None:
    price = book.references[order.reference]
    assert price is not None
    _trigger(state, book, order, price)


def _trigger(state: EngineState, book: Book, order: Order, price_ticks: int) -> None:
    """Let a waiting order enter; a failed check cancels it whole. Rules MATCH-074, MATCH-079."""
    del book.waiting[order.order_id]
    order.state = INCOMING
    state.say(book, ("triggered", order.order_id, book.out(price_ticks)))
    cancel_partner(state, order.partner)
    reason = enter(state, book, order, room=True)
    if reason is not None:
        state.remove(order, CANCEL_REASONS.get(reason, reason))


# ---- amending what waits ---------------------------------------------------------------------------------------


def refuse_trigger_change(book: Book, order: Order, trigger_ticks: int) -> str | None:
    """Why a waiting order may not have another trigger price (0 = as it was). Rules MATCH-047, MATCH-071."""
    if trigger_ticks == 0:
        return None
    rules = book.rules
    if order.active or not rules.band_low_ticks <= trigger_ticks <= rules.band_high_ticks:
        return "trigger_price"
    return None


def amend_waiting(
    state: EngineState, book: Book, order: Order, price_ticks: int, open_lots: int, trigger_ticks: int
) -> str | None:
    """Change what waits, and trigger it if that is due now; or say why not. Rules MATCH-047, MATCH-071, MATCH-076."""
    before = order.trigger_ticks
    order.trigger_ticks = trigger_ticks or before
    met = not order.trails and book.is_continuous and is_met(book, order)
    if met and book.rules.reject_triggered:
        order.trigger_ticks = before
        return "would_trigger"
    order.price_ticks = price_ticks
    order.open_lots = open_lots
    if met:
        _trigger_now(state, book, order)
        return None
    if trigger_ticks and not order.active:
        activate_if_met(book, order)
    say_pending(state, book, order)
    return None
