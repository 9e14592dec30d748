"""Continuous trading: what an order does from the moment it enters until nothing of it is on its way.

Lives here: the checks that need the other side (MATCH-024 steps 8 and 9), the sweep, self-trade prevention, fills with
what follows from them at once, and what becomes of the rest.
Does not know: why an order enters (new, amended or triggered), auctions, the price of a peg.
"""

from domain.constants import (
    BUY,
    FOK,
    GFA,
    LIMIT,
    MARKET,
    MARKET_TO_LIMIT,
    PHASE_VOLATILITY,
    POST_ONLY_SLIDE,
    SELL,
    STP_CANCEL_BOTH,
    STP_CANCEL_NEWEST,
    STP_CANCEL_OLDEST,
    STP_DECREMENT,
    STP_NONE,
)
from tests.reference.book_records import Book, Order
from tests.reference.book_state import EngineState
from tests.reference.combos import Offer, best_offer
from tests.reference.order_checks import (
    accepts,
    best_passive_price,
    dynamic_bounds,
    in_band,
    is_better,
    protection_limit,
)
from tests.reference.pegs import begin_phase
from tests.reference.quotes import count_fill, stop_frozen

# Why a sweep ended, beyond having met everything its limit accepts.
STOPPED_BY_BAND = "band"
STOPPED_BY_BUDGET = "budget"


def enter(state: EngineState, book: Book, order: Order, *, room: bool, oco: int = 0) -> str | None:
    """Let an order in and follow it to its end; or say why it may not, before anything changed. MATCH-024, MATCH-074.

    Args:
        room: whether the pool has room for it; an order that is already in the pool has.
        oco: id of the order to link it with once it is accepted.
    """
    priced = order.order_type == LIMIT
    if not priced and book.is_continuous and book.best_price(SELL - order.side) is None:
        _let_in(state, order, oco)
        state.remove(order, "no_liquidity")
        return None
    if order.post_only and not make_passive(state, book, order):
        return "post_only_cross"
    if not room and (order.may_rest or book.is_call):
        return "book_full"
    if book.is_call:
        if not priced:
            order.tif = GFA
            order.price_ticks = book.rules.band_high_ticks if order.side == BUY else book.rules.band_low_ticks
        _let_in(state, order, oco)
        state.rest(order)
        return None
    if not priced:
        order.price_ticks = _limit_at_entry(book, order)
    _let_in(state, order, oco)
    if order.tif == FOK and not _can_fill_whole(state, book, order):
        state.remove(order, "fok")
    else:
        sweep_and_settle(state, book, order)
    return None


def _let_in(state: EngineState, order: Order, oco: int) -> None:
    if order.entry == 0:
        state.accept(order, oco)


def _limit_at_entry(book: Book, order: Order) -> int:
    """The limit of an order that states none. Rules MATCH-014, MATCH-025..027."""
    best = book.best_price(SELL - order.side)
    assert best is not None
    return best if order.order_type == MARKET_TO_LIMIT else protection_limit(book.rules, order.side, best)


# ---- post-only -------------------------------------------------------------------------------------------------


def blocking_price(state: EngineState, book: Book, side: int) -> int | None:
    """The best price an order of this side would trade at, direct or implied. Rules MATCH-016, MATCH-116."""
    best = book.best_price(SELL - side)
    offer = best_offer(state, book, side, None) if book.legs or book.combos else None
    if offer is not None and (best is None or is_better(side, offer.price_ticks, best)):
        return offer.price_ticks
    return best


def would_trade(state: EngineState, book: Book, side: int, limit_ticks: int) -> bool:
    """Whether a limit (0 = none) meets somebody, whoever that is. Rule MATCH-016."""
    price = blocking_price(state, book, side)
    return price is not None and accepts(side, limit_ticks, price)


def passive_quote_price(state: EngineState, book: Book, side: int, price_ticks: int) -> int:
    """Limit of a sliding quote: its own, or the best that trades with nobody, if the band has it. Rule MATCH-100."""
    if not would_trade(state, book, side, price_ticks):
        return price_ticks
    price = blocking_price(state, book, side)
    assert price is not None
    passive = best_passive_price(book.rules, side, price)
    return passive if in_band(book.rules, passive) else price_ticks


def make_passive(state: EngineState, book: Book, order: Order) -> bool:
    """Whether a post-only order trades with nobody, after sliding if it may. Rules MATCH-016, MATCH-017."""
    if not would_trade(state, book, order.side, order.price_ticks):
        return True
    if order.post_only != POST_ONLY_SLIDE or order.order_type != LIMIT:
        return False
    price = blocking_price(state, book, order.side)
    assert price is not None
    price = best_passive_price(book.rules, order.side, price)
    if not in_band(book.rules, price):
        return False
    order.price_ticks = price
    return True


# ---- fill or kill ----------------------------------------------------------------------------------------------


def _can_fill_whole(state: EngineState, book: Book, taker: Order) -> bool:
    """Whether all of it trades now, within its budget. Rules MATCH-013, MATCH-015, MATCH-035, MATCH-038.

    Own orders never count; a mode that cancels the taker also puts everything behind the first own order out of reach.
    """
    missing, amount = taker.open_lots, 0
    bounds = dynamic_bounds(state, book)
    for price, level in book.levels_best_first(SELL - taker.side):
        if not accepts(taker.side, taker.price_ticks, price) or not _is_within(bounds, price):
            break
        reachable, is_stopped = _reachable_lots(state, taker, list(level.queue.values()))
        lots = min(reachable, missing)
        missing -= lots
        amount += lots * price
        if missing == 0 or is_stopped:
            break
    if missing > 0:
        return False
    return taker.budget == 0 or (amount <= taker.budget if taker.side == BUY else amount >= taker.budget)


def _reachable_lots(state: EngineState, taker: Order, queue: list[Order]) -> tuple[int, bool]:
    """Lots of one level that would trade, and whether an own order there would stop the taker.

    Reserves come to the back of their price (MATCH-066), so behind the own order that stops.
    """
    for place, maker in enumerate(queue):
        if prevents(state, taker, maker) and taker.stp in (STP_CANCEL_NEWEST, STP_CANCEL_BOTH):
            return sum(ahead.shown_lots for ahead in queue[:place]), True
    return sum(maker.open_lots for maker in queue if not prevents(state, taker, maker)), False


def _is_within(bounds: tuple[int, int] | None, price_ticks: int) -> bool:
    return bounds is None or bounds[0] <= price_ticks <= bounds[1]


# ---- the sweep -------------------------------------------------------------------------------------------------


def sweep_and_settle(state: EngineState, book: Book, taker: Order) -> None:
    """Trade while prices cross, then rest or cancel what is left. Rules MATCH-001..015, MATCH-038."""
    stopped_by = _sweep(state, book, taker)
    if taker.open_lots == 0:
        return
    if taker.tif == FOK:
        state.remove(taker, "fok")  # links or protection took away what was counted on
    elif taker.may_rest:
        state.rest(taker)
    elif stopped_by is not None:
        state.remove(taker, stopped_by)
    elif taker.order_type == MARKET:
        beyond = book.best_price(SELL - taker.side) is not None
        state.remove(taker, "protection" if beyond and taker.price_ticks > 0 else "no_liquidity")
    else:
        state.remove(taker, "ioc")
    if stopped_by == STOPPED_BY_BAND and taker.tif != FOK:
        begin_phase(state, book, PHASE_VOLATILITY)


def _sweep(state: EngineState, book: Book, taker: Order) -> str | None:
    """Take step by step from the better of direct and implied; returns what stopped it early. Rule MATCH-114."""
    opposite = SELL - taker.side
    bounds = dynamic_bounds(state, book)
    with_implied = taker.tif != FOK and bool(book.legs or book.combos)
    while taker.open_lots > 0:
        best = book.best_price(opposite)
        if best is not None and not accepts(taker.side, taker.price_ticks, best):
            best = None
        offer = _reachable_offer(state, book, taker, bounds) if with_implied else None
        if offer is not None and (best is None or is_better(taker.side, offer.price_ticks, best)):
            lots = min(affordable_lots(book, taker, offer.price_ticks), *(maker.shown_lots for maker in offer.makers))
            if lots == 0:
                return STOPPED_BY_BUDGET
            trade_implied(state, book, taker, offer, lots)
            continue
        if best is None:
            return None
        if not _is_within(bounds, best):
            return STOPPED_BY_BAND
        lots = affordable_lots(book, taker, best)
        if lots == 0:
            return STOPPED_BY_BUDGET
        maker = next(iter(book.best_level(opposite).queue.values()))
        if prevents(state, taker, maker):
            prevent(state, taker, maker)
        else:
            _trade(state, book, maker, taker, min(maker.shown_lots, lots))
    return None


def _reachable_offer(state: EngineState, book: Book, taker: Order, bounds: tuple[int, int] | None) -> Offer | None:
    """The best implied price within the taker's limit and the dynamic band."""
    offer = best_offer(state, book, taker.side, taker)
    if offer is None or not accepts(taker.side, taker.price_ticks, offer.price_ticks):
        return None
    return offer if _is_within(bounds, offer.price_ticks) else None


def affordable_lots(book: Book, taker: Order, price_ticks: int) -> int:
    """Lots the taker wants and can pay for at a price. Rule MATCH-015; fill or kill was judged as a whole."""
    if not taker.spends:
        return taker.open_lots
    step = book.rules.lot_step
    return min(taker.open_lots, taker.budget // price_ticks // step * step)


# ---- prevention ------------------------------------------------------------------------------------------------


def prevents(state: EngineState, taker: Order, maker: Order) -> bool:
    """Whether the taker's own mode forbids this meeting. Rules MATCH-030, MATCH-031."""
    return taker.stp != STP_NONE and state.are_same(taker, maker)


def prevent(state: EngineState, taker: Order, maker: Order) -> None:
    """Carry out the taker's mode, the other order first. Rules MATCH-032..034, MATCH-039."""
    if taker.stp == STP_DECREMENT:
        lots = min(maker.open_lots, taker.open_lots)
        state.reduce(maker, lots)
        state.reduce(taker, lots)
        return
    if taker.stp in (STP_CANCEL_OLDEST, STP_CANCEL_BOTH):
        state.remove(maker, "stp")
    if taker.stp in (STP_CANCEL_NEWEST, STP_CANCEL_BOTH):
        state.remove(taker, "stp")


# ---- fills -----------------------------------------------------------------------------------------------------


def _trade(state: EngineState, book: Book, maker: Order, taker: Order, lots: int) -> None:
    """One trade between two orders of a book. Rules MATCH-002, MATCH-066, MATCH-079, MATCH-102."""
    price = maker.price_ticks
    _fill_taker(state, taker, price, lots)
    _fill_maker(state, book, maker, taker, lots)
    after_fills(state, maker, taker, lots)
    stop_frozen(state, taker)


def trade_implied(state: EngineState, book: Book, taker: Order, offer: Offer, lots: int) -> None:
    """One step with other books: all parts or none. Rule MATCH-114."""
    price = offer.price_ticks
    _fill_taker(state, taker, price, lots)
    event = ("implied", taker.order_id, offer.combo.number, price - book.bias, lots, taker.open_lots)
    state.say(book, event)
    state.trade_at(book, price)
    partners = [maker.partner for maker in offer.makers]
    for maker in offer.makers:
        _fill_maker(state, state.books[maker.book], maker, taker, lots)
    for maker, partner in zip(offer.makers, partners, strict=True):
        _after_fill(state, maker, partner, lots)
    _after_fill(state, taker, taker.partner, lots)
    stop_frozen(state, taker)


def _fill_taker(state: EngineState, taker: Order, price_ticks: int, lots: int) -> None:
    taker.open_lots -= lots
    taker.filled_lots += lots
    if taker.spends:
        taker.budget -= price_ticks * lots
    if taker.open_lots == 0:
        state.forget(taker)


def _fill_maker(state: EngineState, book: Book, maker: Order, taker: Order, lots: int) -> None:
    price = maker.price_ticks
    level_lots = state.take_from(maker, lots)
    event = ("fill", maker.order_id, taker.order_id, book.out(price), lots, maker.open_lots, level_lots)
    state.say(book, event)
    state.trade_at(book, price)
    state.refresh(maker)


def after_fills(state: EngineState, first: Order, second: Order, lots: int) -> None:
    """What a trade of two orders causes, the first order's share first. Rules MATCH-079, MATCH-094, MATCH-102.

    The second's partner goes even if the first's protection cancels the second: it was filled.
    """
    partner = second.partner
    _after_fill(state, first, first.partner, lots)
    _after_fill(state, second, second.partner if partner is first else partner, lots)


def _after_fill(state: EngineState, order: Order, partner: Order | None, lots: int) -> None:
    """What a fill of an order causes before anything else trades."""
    cancel_partner(state, partner)
    if order.mmp:
        count_fill(state, order, lots)


def cancel_partner(state: EngineState, partner: Order | None) -> None:
    """Cancel the other of a linked pair; one that has nothing open any more leaves the link. Rule MATCH-079."""
    if partner is not None and partner.open_lots > 0:
        state.remove(partner, "oco")
