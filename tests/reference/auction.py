"""Phases of a book and the call auction.

Lives here: which phase may follow which, the auction price, the uncross, what leaving a call cancels.
Does not know: continuous trading, what the prices trigger afterwards.
"""

from typing import Final

from domain.constants import (
    BUY,
    GFA,
    MARKET,
    PHASE_CLOSED,
    PHASE_CONTINUOUS,
    PHASE_EXPIRED,
    PHASE_HALT,
    PHASE_OPENING,
    PHASE_PRE_OPEN,
    PHASE_VOLATILITY,
    REFERENCE_LAST,
    SELL,
    STP_NONE,
)
from tests.reference.book_records import CALL_PHASES, Book, Order
from tests.reference.book_state import EngineState
from tests.reference.order_checks import dynamic_bounds, in_band, valid_at_or_below
from tests.reference.pegs import begin_phase
from tests.reference.taking import after_fills, prevent

FOLLOWING: Final[dict[int, tuple[int, ...]]] = {
    PHASE_CONTINUOUS: (PHASE_OPENING, PHASE_VOLATILITY, PHASE_HALT, PHASE_CLOSED),
    PHASE_PRE_OPEN: (PHASE_OPENING, PHASE_HALT, PHASE_CLOSED),
    PHASE_OPENING: (PHASE_CONTINUOUS, PHASE_HALT, PHASE_CLOSED),
    PHASE_VOLATILITY: (PHASE_CONTINUOUS, PHASE_HALT, PHASE_CLOSED),
    PHASE_HALT: (PHASE_PRE_OPEN, PHASE_OPENING, PHASE_CLOSED),
    PHASE_CLOSED: (PHASE_PRE_OPEN, PHASE_EXPIRED),
    PHASE_EXPIRED: (),
}

Indicative = tuple[int, int, int]  # inside price, volume, D - S


def change_phase(state: EngineState, book: Book, phase: int, *, force: bool) -> str | None:
    """Bring a book into another phase; or say why not. Rules MATCH-090, MATCH-094, MATCH-096..098."""
    if phase not in FOLLOWING[book.phase]:
        return "illegal_phase"
    if book.phase == PHASE_VOLATILITY and phase == PHASE_CONTINUOUS and not force:
        found = indicative(book)
        bounds = dynamic_bounds(state, book)
        if found is not None and bounds is not None and not bounds[0] <= found[0] <= bounds[1]:
            state.say(book, ("extended", book.number, book.out(found[0])))
            return None
    was_call = book.is_call
    begin_phase(state, book, phase)
    if phase == PHASE_CONTINUOUS:
        _uncross(state, book)
    if was_call and phase not in CALL_PHASES:
        _end_auction_orders(state, book)
    if phase == PHASE_CONTINUOUS:
        for reference, price in enumerate(book.references):
            if price is not None:
                state.see(book, reference, price)
    if phase == PHASE_EXPIRED:
        for order in [*book.queued(BUY), *book.queued(SELL), *book.aside()]:
            state.remove(order, "expiry")
    return None


def _end_auction_orders(state: EngineState, book: Book) -> None:
    """Cancel what was good for this auction, by entry number. Rules MATCH-018, MATCH-094, MATCH-098."""
    ending = [order for side in (BUY, SELL) for order in book.queued(side) if order.tif == GFA]
    for order in sorted(ending, key=lambda order: order.entry):
        state.remove(order, "auction_end")


# ---- the price -------------------------------------------------------------------------------------------------


def indicative(book: Book) -> Indicative | None:
    """Price, volume and surplus of an uncross at this moment of a call, None if nothing would trade. MATCH-092, 093."""
    bids, asks = _wanted(book, BUY), _wanted(book, SELL)
    candidates = {order.price_ticks for order in (*book.queued(BUY), *book.queued(SELL)) if not _is_market(order)}
    reference = book.auction_reference or book.references[REFERENCE_LAST]
    if not candidates:
        if reference is None or not in_band(book.rules, reference):
            return None
        return _at(bids, asks, reference)
    tied: list[Indicative] = []
    for price in sorted(candidates):
        found = _at(bids, asks, price)
        if found is None:
            continue
        if not tied or _rank(found) > _rank(tied[0]):
            tied = [found]
        elif _rank(found) == _rank(tied[0]):
            tied.append(found)
    return _at(bids, asks, _choose(book, tied, reference)) if tied else None


def _wanted(book: Book, side: int) -> list[tuple[int, int]]:
    """(price, lots with reserves) of the levels of a side."""
    return [(price, sum(o.open_lots for o in level.queue.values())) for price, level in book.levels_best_first(side)]


def _at(bids: list[tuple[int, int]], asks: list[tuple[int, int]], price_ticks: int) -> Indicative | None:
    """What would trade at a price; market orders rest at the edge of the band, so they want any price."""
    demand = sum(lots for price, lots in bids if price >= price_ticks)
    supply = sum(lots for price, lots in asks if price <= price_ticks)
    volume = min(demand, supply)
    return (price_ticks, volume, demand - supply) if volume > 0 else None


def _rank(found: Indicative) -> tuple[int, int]:
    """Most volume first, then the smallest surplus."""
    return found[1], -abs(found[2])


def _choose(book: Book, tied: list[Indicative], reference: int | None) -> int:
    """Among equally good prices, rising: pressure, then the reference, then the middle. Rule MATCH-092 (3), (4)."""
    lowest, highest = tied[0][0], tied[-1][0]
    if all(surplus > 0 for _, _, surplus in tied):
        return highest
    if all(surplus < 0 for _, _, surplus in tied):
        return lowest
    if reference is not None:
        return min(max(reference, lowest), highest)
    return valid_at_or_below(book.rules, (lowest + highest) // 2)


def _is_market(order: Order) -> bool:
    return order.order_type == MARKET


# ---- the uncross -----------------------------------------------------------------------------------------------


def _uncross(state: EngineState, book: Book) -> None:
    """Trade at one price until the book is not crossed; prevention may need another round. Rule MATCH-094."""
    while _is_crossed(book) and (found := indicative(book)) is not None:
        price, volume, _ = found
        state.say(book, ("auction", book.number, book.out(price), volume))
        while True:
            bid, ask = book.first(BUY), book.first(SELL)
            if bid is None or ask is None or bid.price_ticks < price or ask.price_ticks > price:
                break
            if not _prevent_pair(state, bid, ask):
                _cross(state, book, bid, ask, price)


def _is_crossed(book: Book) -> bool:
    bid, ask = book.best_price(BUY), book.best_price(SELL)
    return bid is not None and ask is not None and bid >= ask


def _prevent_pair(state: EngineState, bid: Order, ask: Order) -> bool:
    """Whether the two are the same and one of them forbids it, which is carried out. Rule MATCH-095."""
    if not state.are_same(bid, ask) or bid.stp == ask.stp == STP_NONE:
        return False
    taker, maker = (bid, ask) if bid.stp != STP_NONE else (ask, bid)
    prevent(state, taker, maker)
    return True


def _cross(state: EngineState, book: Book, bid: Order, ask: Order, price_ticks: int) -> None:
    """One pair trades what both show. Rules MATCH-066, MATCH-079, MATCH-094, MATCH-102."""
    lots = min(bid.shown_lots, ask.shown_lots)
    bid_level, ask_level = state.take_from(bid, lots), state.take_from(ask, lots)
    ids = (bid.order_id, ask.order_id)
    state.say(book, ("cross", *ids, book.out(price_ticks), lots, bid.open_lots, ask.open_lots, bid_level, ask_level))
    state.trade_at(book, price_ticks)
    state.refresh(bid)
    state.refresh(ask)
    after_fills(state, bid, ask, lots)
