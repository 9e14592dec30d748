# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""What can be wrong with an order, in the order of MATCH-024, and how far a sound one may trade. Changes nothing.

Lives here: field combinations, ranges, prices, room, post-only, the limits of market orders, fill or kill.
Does not know: how orders trade and rest (order_book.pyx).
Every divisor and dividend here is positive, so C division is Python's.
"""
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

from matching.combos cimport implied_price
from matching.order_pool cimport TERMS, book_of, id_find, open_of, same_person, slot_available
from matching.pegs cimport in_call, peg_price, peg_reference
from matching.price_levels cimport is_price, level_at, next_worse
from matching.protection cimport mmp_check
from matching.ticks cimport in_band, step_at, tick_down, tick_up
from matching.triggers cimport is_met, reference_price
from matching.types cimport (NO_ASK, NO_BID, PAGE_BITS, SPECIAL_GATE, SPECIAL_OCO, STATE_PARKED, STATE_RESTING,
                             TRIGGER_BOOKS, WATCH_COMBO, WATCH_IMPLIED, book_more_t, book_t, engine_t, incoming_t, order_t, terms_t)

# Values of domain.constants and domain.rejects; tests/unit/matching compares them.
cdef enum:
    LIMIT = 0
    MARKET = 1
    MARKET_TO_LIMIT = 2
    GTC = 0
    IOC = 1
    FOK = 2
    GFA = 3
    SLIDE = 2
    STP_NONE = 0
    STP_NEWEST = 1
    STP_BOTH = 3
    UNKNOWN_BOOK = 2001
    LOTS_RANGE = 2004
    LOT_STEP = 2005
    PRICE_STEP = 2006
    PRICE_BAND = 2007
    POST_ONLY_CROSS = 4002
    BOOK_FULL = 4003
    DUPLICATE_ID = 4005
    BAD_ORDER = 4006
    DISPLAY_RANGE = 4007
    NOTIONAL_MAX = 4008
    TRIGGER_PRICE = 4009
    WOULD_TRIGGER = 4010
    TRAILING_FULL = 4011
    PEGS_FULL = 4012
    NO_REFERENCE = 4013
    OCO_UNKNOWN = 4014
    PHASE = 4017
    BOOK_HALTED = 4019
    BOOK_CLOSED = 4020
    DISPLAY_PEAKS_MAX = 1000


cdef int32_t check_order(engine_t *e, incoming_t *order) noexcept nogil:
    """Everything about a new order that does not ask what it would trade with (MATCH-024, 1 to 7). Sets `waits`."""
    cdef book_t *book
    cdef book_more_t *more
    cdef int32_t code
    if order.book >= e.books_max or e.books[order.book].pages == 0:
        return UNKNOWN_BOOK
    book = &e.books[order.book]
    more = &e.more[order.book]
    order.waits = order.trigger != 0 or order.trail_ticks != 0 or order.trail_bps != 0
    code = check_entry_phase(e, order)
    if code != 0:
        return code
    if id_find(e, order.order_id) != 0:
        return DUPLICATE_ID
    if is_bad(e, order):
        return BAD_ORDER
    if order.lots <= 0 or order.lots > book.lots_max:
        return LOTS_RANGE
    if more.lot_step != 1 and (order.lots % more.lot_step != 0 or order.display_lots % more.lot_step != 0):
        return LOT_STEP
    if order.display_lots != 0 and (order.display_lots > order.lots
                                    or order.lots > order.display_lots * DISPLAY_PEAKS_MAX):
        return DISPLAY_RANGE
    if order.order_type == LIMIT and not (order.peg and order.price_ticks == 0):
        code = check_terms(e, order.book, order.price_ticks, order.lots)
        if code != 0:
            return code
    if order.trigger_ticks != 0 and not in_band(book, order.trigger_ticks):
        return TRIGGER_PRICE
    code = check_oco(e, order)
    if code == 0 and order.mmp != 0:
        code = mmp_check(e, order.owner, order.mmp)
    if code == 0 and order.waits:
        code = check_wait(e, order)
    if code == 0 and order.peg:
        code = check_peg(e, order)
    return code


cdef int32_t check_phase(engine_t *e, uint32_t book_id) noexcept nogil:
    """Does the phase take orders and amends at all?"""
    cdef int phase = e.more[book_id].phase
    if phase >= 5:
        return BOOK_CLOSED
    return BOOK_HALTED if phase == 4 else 0


cdef int32_t check_entry_phase(engine_t *e, const incoming_t *order) noexcept nogil:
    cdef int32_t code = check_phase(e, order.book)
    if code != 0:
        return code
    if in_call(e, order.book):
        return PHASE if order.time_in_force in (IOC, FOK) and not order.waits else 0
    return PHASE if order.time_in_force == GFA else 0


cdef bint is_bad(engine_t *e, const incoming_t *order) noexcept nogil:
    """A flat list of fields that do not go together."""
    cdef bint calling = in_call(e, order.book)
    if order.display_lots < 0 or order.budget < 0 or order.trail_ticks < 0:
        return True
    if order.display_lots and (order.order_type != LIMIT or order.time_in_force in (IOC, FOK)):
        return True
    if order.budget and (calling or not (order.order_type == MARKET or order.time_in_force == FOK)):
        return True
    if (order.trail_ticks and order.trail_bps) or order.trail_bps >= 10_000:
        return True
    if (order.trigger_ticks != 0) != (order.trigger != 0):
        return True
    if order.waits and order.time_in_force == GFA:
        return True
    if order.peg and (order.order_type != LIMIT or order.time_in_force != GTC or order.post_only or order.display_lots
                      or order.waits or order.budget or order.oco):
        return True
    if order.order_type == MARKET_TO_LIMIT and (order.time_in_force == GFA or calling):
        return True
    return (e.books[order.book].watch & WATCH_COMBO) != 0 and (order.order_type != LIMIT or order.peg != 0
                                                              or order.budget != 0)


cdef int32_t check_terms(engine_t *e, uint32_t book_id, int64_t price_ticks, int64_t lots) noexcept nogil:
    """Step, band and notional of a limit."""
    cdef book_more_t *more = &e.more[book_id]
    cdef int64_t step = step_at(more, price_ticks)
    if step != 1 and price_ticks % step != 0:
        return PRICE_STEP
    if not in_band(&e.books[book_id], price_ticks):
        return PRICE_BAND
    if more.notional_max != 0 and lots > more.notional_max // price_ticks:
        return NOTIONAL_MAX
    return 0


cdef int32_t check_oco(engine_t *e, const incoming_t *order) noexcept nogil:
    """The partner rests or waits, belongs to the same owner and book, and is alone (MATCH-079)."""
    cdef uint32_t partner
    if order.oco == 0:
        return 0
    partner = id_find(e, order.oco)
    if partner == 0 or e.orders[partner].owner != order.owner or book_of(e, partner) != order.book:
        return OCO_UNKNOWN
    if e.orders[partner].place & TERMS and (e.terms[partner].special & SPECIAL_OCO
                                            or e.terms[partner].state == STATE_PARKED):
        return OCO_UNKNOWN
    return 0


cdef int32_t check_wait(engine_t *e, const incoming_t *order) noexcept nogil:
    cdef book_more_t *more = &e.more[order.book]
    cdef book_t *shadow = &e.books[e.books_max + TRIGGER_BOOKS * order.book + order.reference]
    if (more.reject_triggered and more.phase == 0
            and is_met(e, order, reference_price(e, order.book, order.reference))):
        return WOULD_TRIGGER
    if (order.trail_ticks or order.trail_bps) and more.trailing >= e.trailing_max:
        return TRAILING_FULL
    if not slot_available(e) or (e.free_pages == 0 and shadow.directory[order.trigger_ticks >> PAGE_BITS] == 0):
        return BOOK_FULL
    return 0


cdef int32_t check_peg(engine_t *e, const incoming_t *order) noexcept nogil:
    cdef book_more_t *more = &e.more[order.book]
    if more.pegs >= e.pegs_max:
        return PEGS_FULL
    if not slot_available(e):
        return BOOK_FULL
    if more.peg_cancel and more.phase == 0 and peg_price(
            e, order.book, order.side, order.peg, order.peg_offset, order.price_ticks, peg_reference(e, order.book, 0),
            peg_reference(e, order.book, 1)) == 0:
        return NO_REFERENCE
    return 0


cdef int32_t check_room(engine_t *e, const incoming_t *order, int64_t price_ticks) noexcept nogil:
    """A slot (its own, if it has one) and a page for this price."""
    if order.slot == 0 and not slot_available(e):
        return BOOK_FULL
    if e.free_pages == 0 and e.books[order.book].directory[price_ticks >> PAGE_BITS] == 0:
        return BOOK_FULL
    return 0


# ------------------------------------------------------------------------------------------- against the other side

cdef bint crosses(engine_t *e, const incoming_t *order, int64_t price_ticks) noexcept nogil:
    """Would this limit trade at once, implied prices included? Equality crosses (MATCH-004, MATCH-116)."""
    cdef book_t *book = &e.books[order.book]
    cdef int64_t implied
    if price_ticks >= book.best[1] if order.side == 0 else price_ticks <= book.best[0]:
        return True
    if not book.watch & WATCH_IMPLIED:
        return False
    implied = implied_price(e, order.book, 1 - order.side, 0)
    return implied != 0 and (price_ticks >= implied if order.side == 0 else price_ticks <= implied)


cdef int32_t check_post_only(engine_t *e, incoming_t *order) noexcept nogil:
    """A post-only order that would trade is refused, or slides to where it does not (MATCH-016, MATCH-017)."""
    cdef book_t *book = &e.books[order.book]
    cdef int64_t opposite, implied = 0
    if order.order_type != LIMIT:
        return POST_ONLY_CROSS
    if not crosses(e, order, order.price_ticks):
        return 0
    if order.post_only != SLIDE:
        return POST_ONLY_CROSS
    opposite = book.best[1 - order.side]
    if book.watch & WATCH_IMPLIED:
        implied = implied_price(e, order.book, 1 - order.side, 0)
        if implied != 0:
            opposite = min(opposite, implied) if order.side == 0 else max(opposite, implied)
    opposite = tick_down(&e.more[order.book], opposite - 1) if order.side == 0 else tick_up(&e.more[order.book], opposite + 1)
    if not in_band(book, opposite):
        return POST_ONLY_CROSS
    order.price_ticks = opposite
    return 0


cdef void set_limits(engine_t *e, incoming_t *order) noexcept nogil:
    """Limits of market kinds (MATCH-014, MATCH-025..027), then where trading stops (MATCH-038)."""
    cdef book_t *book = &e.books[order.book]
    cdef book_more_t *more = &e.more[order.book]
    cdef int64_t best = book.best[1 - order.side], high = book.band_low_ticks + book.band_span_ticks, low, reference
    if order.order_type == MARKET_TO_LIMIT:
        order.price_ticks = best
    elif order.order_type == MARKET:
        order.unbounded = not (more.protection_bps or more.protection_ticks)
        if order.unbounded:
            order.price_ticks = high if order.side == 0 else book.band_low_ticks
        elif order.side == 0:
            order.price_ticks = min(high, best + more.protection_ticks if more.protection_ticks
                                    else best * (10_000 + more.protection_bps) // 10_000)
        else:
            order.price_ticks = max(book.band_low_ticks, best - more.protection_ticks if more.protection_ticks
                                    else (best * (10_000 - more.protection_bps) + 9_999) // 10_000)
    order.bound_ticks = order.price_ticks
    order.near_ticks = 0
    if more.dynamic_bps == 0:
        return
    reference = more.before_ticks if more.touched else book.last_ticks
    if reference == 0:
        reference = more.auction_ticks
    if reference != 0:
        low = (reference * (10_000 - more.dynamic_bps) + 9_999) // 10_000
        high = reference * (10_000 + more.dynamic_bps) // 10_000
        order.bound_ticks = min(order.price_ticks, high) if order.side == 0 else max(order.price_ticks, low)
        order.near_ticks = low if order.side == 0 else high


cdef inline bint within(const incoming_t *order, int64_t price) noexcept nogil:
    """May it trade at this price, by its limit and the dynamic band?"""
    if order.side == 0:
        return order.near_ticks <= price <= order.bound_ticks
    return price >= order.bound_ticks and (order.near_ticks == 0 or price <= order.near_ticks)


cdef bint has_own(engine_t *e, uint32_t slot, uint32_t owner) noexcept nogil:
    """Does the same person stand in this queue?"""
    while slot != 0:
        if same_person(e, e.orders[slot].owner, owner):
            return True
        slot = e.orders[slot].next_slot
    return False


cdef bint can_fill_all(engine_t *e, const incoming_t *order) noexcept nogil:
    """Could the order trade in full at once? Costs what the trades would (MATCH-013, MATCH-015, MATCH-035).

    Own orders never count; where they stop the taker (newest, both) nothing behind them counts either. Gated makers may
    not trade, so they do not count. A budget bounds the cost of a buy, and the proceeds of a sell from below.
    """
    cdef book_t *book = &e.books[order.book]
    cdef int other = 1 - order.side
    cdef int32_t price = book.best[other]
    cdef int64_t left = order.lots, budget = order.budget, take
    cdef uint32_t slot
    cdef bint stops
    while is_price(other, price) and within(order, price):
        slot = level_at(e, book, other, price).head
        stops = (order.stp == STP_NEWEST or order.stp == STP_BOTH) and has_own(e, slot, order.owner)
        while slot != 0:
            # Reserves refresh behind the own order that stops it.
            take = min(left, e.orders[slot].shown_lots if stops else open_of(e, slot))
            if order.stp != STP_NONE and same_person(e, e.orders[slot].owner, order.owner):
                if order.stp == STP_NEWEST or order.stp == STP_BOTH:
                    return False
            elif not (e.orders[slot].place & TERMS and e.terms[slot].special & SPECIAL_GATE):
                if order.budget and order.side == 0:
                    if take > budget // price:
                        return False
                    budget -= take * price
                elif order.budget and budget > 0:
                    budget = 0 if take >= (budget + price - 1) // price else budget - take * price
                left -= take
                if left == 0:
                    return order.side == 0 or order.budget == 0 or budget == 0
            slot = e.orders[slot].next_slot
        price = next_worse(e, book, other, price)
    return False
