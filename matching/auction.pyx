# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Phases of a book and the call auction that ends a call (MATCH-090..098).

Lives here: legal transitions, the auction price, the uncross, prices that the venue sets.
Does not know: clocks: who ends a call and when is the caller's.
Cost: the auction price looks once at every order between the best ask and the best bid, the uncross at those it trades.
"""
from libc.stdint cimport int32_t, int64_t, uint32_t

from matching.events cimport event_add, event_set, touch
from matching.fills cimport head_gone, maker_filled, refresh
from matching.order_book cimport book_trim
from matching.order_pool cimport LEVEL, TERMS, has_terms, is_live, open_of, same_person, stp_of, terms_make
from matching.pegs cimport in_call, phase_change
from matching.price_levels cimport is_price, level_at, next_above, next_below
from matching.ticks cimport in_band, tick_down
from matching.triggers cimport price_seen, reference_price
from matching.types cimport (BOOK_AUCTION, BOOK_CROSS, BOOK_EXTENDED, BOOK_REDUCED, EVENTS_PAUSE, NO_ASK, NO_BID,
                             SPECIAL_MARKET, WATCH_MINDED, book_more_t, book_t, engine_t, level_t, order_t, terms_t)
from matching.withdraw cimport book_withdraw

cdef enum:
    CONTINUOUS = 0
    PRE_OPEN = 1
    OPENING = 2
    VOLATILITY = 3
    HALT = 4
    CLOSED = 5
    EXPIRED = 6
    STP_NONE = 0
    STP_NEWEST = 1
    STP_OLDEST = 2
    STP_DECREMENT = 4
    REASON_STP = 6
    REASON_EXPIRY = 12
    REASON_AUCTION_END = 15
    ILLEGAL_PHASE = 4018


# --------------------------------------------------------------------------------------------------------- phases

cdef bint is_legal(int before, int after) noexcept nogil:
    """The transitions of MATCH-090."""
    if before == CONTINUOUS:
        return after in (OPENING, VOLATILITY, HALT, CLOSED)
    if before == PRE_OPEN:
        return after in (OPENING, HALT, CLOSED)
    if before == OPENING or before == VOLATILITY:
        return after in (CONTINUOUS, HALT, CLOSED)
    if before == HALT:
        return after in (PRE_OPEN, OPENING, CLOSED)
    return before == CLOSED and after in (PRE_OPEN, EXPIRED)


cdef int32_t book_set_phase(engine_t *e, uint32_t book_id, int phase, bint force) noexcept nogil:
    """Change the phase: ILLEGAL_PHASE, or 0 and event `phase` or `extended`.

    Leaving a call for continuous trading the caller goes on with `book_uncross` until it returns False.
    """
    cdef book_more_t *more = &e.more[book_id]
    cdef int before = more.phase
    cdef indicative_t found
    if not is_legal(before, phase):
        return ILLEGAL_PHASE
    if before == VOLATILITY and phase == CONTINUOUS and not force and is_outside(e, book_id, &found):
        event_set(event_add(e, BOOK_EXTENDED, book_id, 0, 0, 0, 0), 0, 0, -1, found.price_ticks)
        return 0
    phase_change(e, book_id, phase)
    if 1 <= before <= 3 and phase == CONTINUOUS:
        more.uncrossing = 1
        more.uncross_ticks = 0
    elif 1 <= before <= 3 and phase >= HALT:
        end_gfa(e, book_id)
    return 0


cdef bint is_outside(engine_t *e, uint32_t book_id, indicative_t *found) noexcept nogil:
    """Is the indicative price outside the dynamic band (MATCH-096)?"""
    cdef book_more_t *more = &e.more[book_id]
    cdef int64_t reference = e.books[book_id].last_ticks if e.books[book_id].last_ticks else more.auction_ticks
    auction_price(e, book_id, found)
    if found.price_ticks == 0 or more.dynamic_bps == 0 or reference == 0:
        return False
    return (found.price_ticks * 10_000 < reference * (10_000 - more.dynamic_bps)
            or found.price_ticks * 10_000 > reference * (10_000 + more.dynamic_bps))


cdef void end_gfa(engine_t *e, uint32_t book_id) noexcept nogil:
    """What was good for this auction goes, by entry number."""
    while e.more[book_id].gfa_head != 0:
        book_withdraw(e, e.more[book_id].gfa_head, REASON_AUCTION_END)


cdef void book_set_price(engine_t *e, uint32_t book_id, int reference, int64_t price_ticks) noexcept nogil:
    """The venue says what the last price, mark or index is; whom it triggers joins the line (MATCH-072)."""
    if e.books[book_id].watch & WATCH_MINDED:
        touch(e, book_id)
    if reference == 0:
        e.books[book_id].last_ticks = <int32_t>price_ticks
    else:
        e.more[book_id].seen_ticks[reference] = price_ticks
    if e.more[book_id].phase == CONTINUOUS:
        price_seen(e, book_id, reference, <int32_t>price_ticks)


# ---------------------------------------------------------------------------------------------------- auction price

cdef int64_t level_sums(engine_t *e, book_t *book, int side, int32_t price, bint *limits) noexcept nogil:
    """All lots at a price, reserves included; `limits` becomes True if some of them are no market order's."""
    cdef uint32_t slot = level_at(e, book, side, price).head
    cdef int64_t lots = 0
    while slot != 0:
        lots += open_of(e, slot)
        if not (e.orders[slot].place & TERMS and e.terms[slot].special & SPECIAL_MARKET):
            limits[0] = True
        slot = e.orders[slot].next_slot
    return lots


cdef void auction_price(engine_t *e, uint32_t book_id, indicative_t *found) noexcept nogil:
    """The price at which most would trade, by the rules of MATCH-092; 0 when nothing would.

    One walk upwards over the limits of both sides from the best ask to the best bid. D falls and S rises on the way.
    """
    cdef book_t *book = &e.books[book_id]
    cdef int32_t low = book.best[1], high = book.best[0], bid, ask, price
    cdef int64_t wanted = 0, offered = 0, bid_lots, ask_lots, volume, surplus, best_volume = 0, best_gap = 0
    cdef int64_t lowest = 0, highest = 0, low_surplus = 0, high_surplus = 0
    cdef bint all_buy = True, all_sell = True, limits, ignored = False
    found.price_ticks = found.volume_lots = found.surplus_lots = 0
    if not is_price(0, high) or not is_price(1, low) or high < low:
        return
    price = high
    while is_price(0, price) and price >= low:
        wanted += level_sums(e, book, 0, price, &ignored)
        price = next_below(e, book, 0, price)
    bid = next_above(e, book, 0, low - 1)
    ask = low
    while bid <= high or ask <= high:
        price = min(bid, ask)
        limits = False
        bid_lots = level_sums(e, book, 0, price, &limits) if bid == price else 0
        ask_lots = level_sums(e, book, 1, price, &limits) if ask == price else 0
        offered += ask_lots
        if limits:
            volume, surplus = min(wanted, offered), wanted - offered
            if volume > best_volume or (volume == best_volume and volume > 0 and abs64(surplus) < best_gap):
                best_volume, best_gap, lowest = volume, abs64(surplus), price
                all_buy = all_sell = True
            if volume == best_volume and volume > 0 and abs64(surplus) == best_gap:
                highest = price
                all_buy = all_buy and surplus > 0
                all_sell = all_sell and surplus < 0
        wanted -= bid_lots
        if bid == price:
            bid = next_above(e, book, 0, price)
        if ask == price:
            ask = next_above(e, book, 1, price)
    if best_volume > 0:
        found.price_ticks = choose(e, book_id, lowest, highest, all_buy, all_sell)
    else:
        found.price_ticks = only_markets(e, book_id)
    if found.price_ticks != 0:
        measure(e, book, found)


cdef inline int64_t abs64(int64_t value) noexcept nogil:
    return -value if value < 0 else value


cdef int64_t choose(engine_t *e, uint32_t book_id, int64_t lowest, int64_t highest, bint all_buy,
                    bint all_sell) noexcept nogil:
    """Of tied prices (MATCH-092, 3 and 4)."""
    cdef book_more_t *more = &e.more[book_id]
    cdef int64_t reference = more.auction_ticks if more.auction_ticks else e.books[book_id].last_ticks
    if all_buy:
        return highest
    if all_sell:
        return lowest
    if reference != 0:
        return min(max(reference, lowest), highest)
    return tick_down(more, (lowest + highest) // 2)


cdef int64_t only_markets(engine_t *e, uint32_t book_id) noexcept nogil:
    """Nobody named a price: the reference, if the band has it."""
    cdef int64_t reference = e.more[book_id].auction_ticks if e.more[book_id].auction_ticks else e.books[book_id].last_ticks
    return reference if reference != 0 and in_band(&e.books[book_id], reference) else 0


cdef void measure(engine_t *e, book_t *book, indicative_t *found) noexcept nogil:
    """Volume and surplus at the price found."""
    cdef int64_t wanted = 0, offered = 0
    cdef bint ignored = False
    cdef int32_t price = book.best[0]
    while is_price(0, price) and price >= found.price_ticks:
        wanted += level_sums(e, book, 0, price, &ignored)
        price = next_below(e, book, 0, price)
    price = book.best[1]
    while is_price(1, price) and price <= found.price_ticks:
        offered += level_sums(e, book, 1, price, &ignored)
        price = next_above(e, book, 1, price)
    found.volume_lots, found.surplus_lots = min(wanted, offered), wanted - offered
    if found.volume_lots == 0:
        found.price_ticks = found.surplus_lots = 0


# ---------------------------------------------------------------------------------------------------------- uncross

cdef bint book_uncross(engine_t *e, uint32_t book_id) noexcept nogil:
    """Leave a call: trade at the auction price until nothing crosses. True: take the events and call again."""
    cdef book_t *book = &e.books[book_id]
    cdef book_more_t *more = &e.more[book_id]
    cdef indicative_t found
    cdef int reference
    if not more.uncrossing:
        return False
    while True:
        if more.uncross_ticks == 0:
            if book.best[0] < book.best[1]:
                break
            auction_price(e, book_id, &found)
            if found.price_ticks == 0:
                break
            more.uncross_ticks = <int32_t>found.price_ticks
            event_set(event_add(e, BOOK_AUCTION, book_id, 0, 0, 0, 0), found.volume_lots, found.surplus_lots, -1,
                      found.price_ticks)
        while book.best[0] >= more.uncross_ticks and is_price(0, book.best[0]) and book.best[1] <= more.uncross_ticks:
            if e.event_count >= EVENTS_PAUSE:
                return True
            cross_heads(e, book, more.uncross_ticks)
        more.uncross_ticks = 0
    more.uncrossing = 0
    end_gfa(e, book_id)
    for reference in range(3):
        if reference_price(e, book_id, reference) != 0:
            price_seen(e, book_id, reference, <int32_t>reference_price(e, book_id, reference))
    return False


cdef struct aftermath_t:          # read before the order may be gone
    uint32_t partner
    uint32_t owner
    int group


cdef void cross_heads(engine_t *e, book_t *book, int32_t price) noexcept nogil:
    """The first bid and the first ask trade their shown parts, or prevention does its work."""
    cdef level_t *bids = level_at(e, book, 0, book.best[0])
    cdef level_t *asks = level_at(e, book, 1, book.best[1])
    cdef uint32_t bid = bids.head, ask = asks.head
    cdef aftermath_t bid_after, ask_after
    cdef int64_t lots
    if same_person(e, e.orders[bid].owner, e.orders[ask].owner):
        if stp_of(e, bid) != STP_NONE:
            prevent_pair(e, bid, ask, stp_of(e, bid))
            return
        if stp_of(e, ask) != STP_NONE:
            prevent_pair(e, ask, bid, stp_of(e, ask))
            return
    lots = min(e.orders[bid].shown_lots, e.orders[ask].shown_lots)
    cross_events(e, book, bid, ask, lots, price)
    if book.last_ticks != price or e.more[book.id].uncrossing == 1:     # who came in the call has not seen it yet
        e.more[book.id].uncrossing = 2
        book.last_ticks = price
        price_seen(e, book.id, 0, price)
    used(e, book, 0, bid, bids, lots, &bid_after)
    used(e, book, 1, ask, asks, lots, &ask_after)
    if bid_after.partner == ask and is_live(e, ask):
        ask_after.partner = 0           # the two are linked: the bid looks first and ends the link
    maker_filled(e, NULL, bid_after.partner, bid_after.owner, bid_after.group, book.id, 0, lots)
    maker_filled(e, NULL, ask_after.partner, ask_after.owner, ask_after.group, book.id, 1, lots)


cdef void prevent_pair(engine_t *e, uint32_t taker, uint32_t maker, int mode) noexcept nogil:
    """MATCH-095."""
    cdef int64_t taker_lots = open_of(e, taker), maker_lots = open_of(e, maker), lots = min(taker_lots, maker_lots)
    if mode == STP_DECREMENT:
        book_trim(e, maker, maker_lots - lots, REASON_STP)
        book_trim(e, taker, taker_lots - lots, REASON_STP)
        return
    if mode != STP_NEWEST:
        book_withdraw(e, maker, REASON_STP)
    if mode != STP_OLDEST:
        book_withdraw(e, taker, REASON_STP)


cdef void cross_events(engine_t *e, book_t *book, uint32_t bid, uint32_t ask, int64_t lots,
                       int32_t price) noexcept nogil:
    """Two events, one per side, each with its own level."""
    cdef int side
    cdef uint32_t slot, other
    cdef level_t *level
    for side in range(2):
        slot, other = (bid, ask) if side == 0 else (ask, bid)
        level = &e.levels[e.orders[slot].place & LEVEL]
        event_set(event_add(e, BOOK_CROSS, book.id, side, e.orders[slot].order_id, e.orders[slot].owner, slot), lots,
                  open_of(e, slot) - lots, level.lots - lots, price)
        e.events[e.event_count - 1].taker_id = e.orders[other].order_id
        e.events[e.event_count - 1].level_ticks = book.best[side]


cdef void used(engine_t *e, book_t *book, int side, uint32_t slot, level_t *level, int64_t lots,
               aftermath_t *after) noexcept nogil:
    """`lots` of the shown part of a head are used up; `after` says what follows from it."""
    cdef order_t *order = &e.orders[slot]
    cdef uint32_t index = order.place & LEVEL
    cdef int32_t price = book.best[side]
    cdef terms_t *terms
    cdef int64_t reserve = 0
    after.owner, after.partner, after.group = order.owner, 0, 0
    level.lots -= lots
    order.shown_lots -= lots
    if has_terms(e, slot):
        terms = &e.terms[slot]
        terms.filled_lots += lots
        reserve, after.partner, after.group = terms.reserve_lots, terms.partner, terms.mmp
    elif order.shown_lots:
        terms_make(e, slot).filled_lots = lots
    if order.shown_lots == 0 and reserve:
        refresh(e, book.id, side, slot, level, price)
    elif order.shown_lots == 0:
        head_gone(e, book, side, slot, level, index, price)
