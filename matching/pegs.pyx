# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Orders whose price follows the book (MATCH-080..084), and the change of a book's phase, which parks them.

Lives here: the price of a peg, the pass over a book's pegs at the end of a command, parking.
Does not know: matching: a peg never meets anybody when it moves.
"""
from libc.stdint cimport int32_t, int64_t, uint32_t
from libc.string cimport memmove

from matching.events cimport event_add, event_cancelled, event_rested, event_set, touch
from matching.order_pool cimport LEVEL, TERMS, open_of, price_of, terms_make
from matching.price_levels cimport is_price, level_append, level_at, level_remove, next_worse
from matching.ticks cimport in_band, tick_down, tick_up
from matching.types cimport (BOOK_AMENDED, BOOK_PARKED, BOOK_PHASE, EVENTS_PAUSE, NO_ASK, SPECIAL_MMP, SPECIAL_PEG,
                             STATE_PARKED, STATE_RESTING, WATCH_PEGS, WATCH_PHASE, book_more_t, book_t, engine_t,
                             incoming_t, level_t, terms_t)
from matching.withdraw cimport book_withdraw, list_add

cdef enum:
    PEG_BID = 1
    PEG_ASK = 2
    REASON_AMEND_TOTAL = 7
    REASON_AMEND_REPLACE = 8
    REASON_PEG = 18
    REASON_NO_REFERENCE = 19


cdef bint in_call(engine_t *e, uint32_t book_id) noexcept nogil:
    """Is the book in a phase in which orders queue without trading?"""
    return 1 <= e.more[book_id].phase <= 3


cdef int64_t peg_reference(engine_t *e, uint32_t book_id, int side) noexcept nogil:
    """Best price of a side among shown orders that are no pegs, 0 = none. Looks at most at every peg."""
    cdef book_t *book = &e.books[book_id]
    cdef int32_t price = book.best[side]
    cdef uint32_t slot
    while is_price(side, price):
        slot = level_at(e, book, side, price).head
        while slot != 0:
            if not (e.orders[slot].place & TERMS) or not (e.terms[slot].special & SPECIAL_PEG):
                return price
            slot = e.orders[slot].next_slot
        price = next_worse(e, book, side, price)
    return 0


cdef int64_t peg_price(engine_t *e, uint32_t book_id, int side, int peg, int64_t offset, int64_t limit, int64_t bid,
                       int64_t ask) noexcept nogil:
    """Price of a peg given the references of both sides; 0 = none (MATCH-080)."""
    cdef book_t *book = &e.books[book_id]
    cdef book_more_t *more = &e.more[book_id]
    cdef int64_t price
    if (peg != PEG_ASK and bid == 0) or (peg != PEG_BID and ask == 0):
        return 0
    if peg == PEG_BID:
        price = bid
    elif peg == PEG_ASK:
        price = ask
    else:
        price = (bid + ask) // 2 if side == 0 else (bid + ask + 1) // 2
    price += offset
    if side == 0:
        if limit != 0 and price > limit:
            price = limit
        price = tick_down(more, price)
        if price >= book.best[1]:
            price = tick_down(more, <int64_t>book.best[1] - 1)
    else:
        if limit != 0 and price < limit:
            price = limit
        price = tick_up(more, price)
        if price <= book.best[0]:
            price = tick_up(more, <int64_t>book.best[0] + 1)
    if not in_band(book, price) or (e.free_pages == 0 and book.directory[price >> 6] == 0):
        return 0
    return price


cdef void settle(engine_t *e, uint32_t slot, int64_t price) noexcept nogil:
    """A peg that is in no level comes to its price, or is parked without one."""
    cdef terms_t *terms = &e.terms[slot]
    cdef uint32_t bits = e.orders[slot].place & ~<uint32_t>LEVEL
    cdef int64_t level_lots
    if price == 0:
        terms.state = STATE_PARKED
        e.orders[slot].shown_lots = 0
        event_set(event_add(e, BOOK_PARKED, terms.book, terms.side, e.orders[slot].order_id, e.orders[slot].owner,
                            slot), terms.open_lots, terms.open_lots, -1, 0)
        return
    terms.state = STATE_RESTING
    level_lots = level_append(e, &e.books[terms.book], slot, terms.side, <int32_t>price, terms.open_lots, bits)
    event_rested(e, terms.book, terms.side, e.orders[slot].order_id, e.orders[slot].owner, slot, terms.open_lots,
                 level_lots, price)


cdef void lift(engine_t *e, uint32_t slot, int reason) noexcept nogil:
    """Out of its level, not out of the book; `open_lots` keep its size."""
    cdef terms_t *terms = &e.terms[slot]
    cdef int64_t price = price_of(e, slot)
    terms.open_lots = open_of(e, slot)
    event_cancelled(e, terms.book, terms.side, e.orders[slot].order_id, e.orders[slot].owner, slot, reason,
                    terms.open_lots, level_remove(e, &e.books[terms.book], slot), price)   # `price` is read before
    terms.state = STATE_PARKED
    e.orders[slot].shown_lots = 0


cdef int64_t price_now(engine_t *e, uint32_t slot, int64_t bid, int64_t ask) noexcept nogil:
    cdef terms_t *terms = &e.terms[slot]
    if e.more[terms.book].phase != 0:
        return 0
    return peg_price(e, terms.book, terms.side, terms.peg, terms.peg_offset, terms.limit_ticks, bid, ask)


cdef void peg_enter(engine_t *e, incoming_t *order, uint32_t slot) noexcept nogil:
    """A checked peg with its slot, id and owner: to its price, or parked (MATCH-082)."""
    cdef terms_t *terms = terms_make(e, slot)
    cdef book_more_t *more = &e.more[order.book]
    terms.book = order.book
    terms.side = order.side
    terms.special = SPECIAL_PEG | (SPECIAL_MMP if order.mmp else 0)
    terms.mmp = order.mmp
    terms.peg = order.peg
    terms.peg_offset = order.peg_offset
    terms.limit_ticks = order.price_ticks
    terms.open_lots = order.lots
    terms.reduce_only = order.reduce_only
    e.entries += 1
    terms.entry = e.entries
    list_add(e, &more.pegs_head, &more.pegs_tail, &more.pegs, slot)
    more.pegs_asked = 1
    e.books[order.book].watch |= WATCH_PEGS
    settle(e, slot, price_now(e, slot, peg_reference(e, order.book, 0), peg_reference(e, order.book, 1)))


cdef void peg_amend(engine_t *e, uint32_t slot, int64_t limit, int64_t total_lots) noexcept nogil:
    """Carry out a checked amend of a peg; whether less of it moves is the pass's at the end (MATCH-047)."""
    cdef terms_t *terms = &e.terms[slot]
    cdef int64_t price, lots = total_lots - terms.filled_lots, before = open_of(e, slot)
    cdef level_t *level
    if lots <= 0:
        book_withdraw(e, slot, REASON_AMEND_TOTAL)
        return
    terms.limit_ticks = limit
    e.more[terms.book].pegs_asked = 1
    if terms.state == STATE_PARKED:
        terms.open_lots = lots
        settle(e, slot, 0)
    elif lots <= before:
        level = &e.levels[e.orders[slot].place & LEVEL]
        level.lots -= before - lots
        e.orders[slot].shown_lots = lots
        event_set(event_add(e, BOOK_AMENDED, terms.book, terms.side, e.orders[slot].order_id, e.orders[slot].owner,
                            slot), lots, lots, level.lots, price_of(e, slot))
    else:
        price = price_now(e, slot, peg_reference(e, terms.book, 0), peg_reference(e, terms.book, 1))
        lift(e, slot, REASON_AMEND_REPLACE)
        terms.open_lots = lots
        settle(e, slot, price)


cdef void pegs_pass(engine_t *e, uint32_t book_id) noexcept nogil:
    """Every peg of a book by entry number: a changed price moves it, one without price parks it (MATCH-083)."""
    cdef book_more_t *more = &e.more[book_id]
    cdef int32_t *best = e.books[book_id].best
    cdef int64_t bid, ask, price
    cdef uint32_t slot, after
    cdef terms_t *terms
    if more.phase != 0 or more.pegs == 0:
        return
    bid = peg_reference(e, book_id, 0)
    ask = peg_reference(e, book_id, 1)
    if (not more.pegs_asked and bid == more.pegs_saw[0] and (ask if ask else NO_ASK) == more.pegs_saw[1]
            and best[0] == more.pegs_saw[2] and best[1] == more.pegs_saw[3]):
        return      # nothing that a peg goes by has moved
    more.pegs_asked = 0
    slot = more.pegs_head
    while slot != 0:
        terms = &e.terms[slot]
        after = terms.list_next
        price = price_now(e, slot, bid, ask)
        if price == 0 and more.peg_cancel:
            book_withdraw(e, slot, REASON_NO_REFERENCE)
        elif terms.state == STATE_PARKED:
            if price != 0:
                settle(e, slot, price)
        elif price != price_of(e, slot):
            lift(e, slot, REASON_PEG)
            settle(e, slot, price)
        slot = after
    more.pegs_saw[0], more.pegs_saw[1] = <int32_t>bid, <int32_t>ask if ask else NO_ASK
    more.pegs_saw[2], more.pegs_saw[3] = best[0], best[1]


cdef void touch_at(engine_t *e, uint32_t book_id, int side, int64_t price) noexcept nogil:
    """touch for a change of one level: deeper than the pegs' reference it moves nothing that they go by."""
    cdef book_more_t *more = &e.more[book_id]
    if more.pegs_asked or (price >= more.pegs_saw[0] if side == 0 else price <= more.pegs_saw[1]):
        touch(e, book_id)


cdef bint book_finish(engine_t *e) noexcept nogil:
    """The end of every command: the pegs of the books in which something happened, books ascending.

    True: take the events and call again (MATCH-064).
    """
    cdef uint32_t i, k, book_id
    for i in range(1, e.touched_count):
        book_id = e.touched[i]
        k = i
        while k > 0 and e.touched[k - 1] > book_id:
            e.touched[k] = e.touched[k - 1]
            k -= 1
        e.touched[k] = book_id
    for i in range(e.touched_count):
        if e.event_count >= EVENTS_PAUSE:
            e.touched_count -= i
            memmove(e.touched, e.touched + i, e.touched_count * sizeof(uint32_t))
            return True
        pegs_pass(e, e.touched[i])
        e.more[e.touched[i]].touched = 0
    e.touched_count = 0
    return False


cdef void phase_change(engine_t *e, uint32_t book_id, int phase) noexcept nogil:
    """Set the phase and say so; entering a call parks the pegs (MATCH-084)."""
    cdef book_more_t *more = &e.more[book_id]
    cdef uint32_t slot
    cdef bint was_call = in_call(e, book_id)
    more.phase = <unsigned char>phase
    more.pegs_asked = 1
    if phase:
        e.books[book_id].watch |= WATCH_PHASE
    else:
        e.books[book_id].watch &= ~<uint32_t>WATCH_PHASE
    event_set(event_add(e, BOOK_PHASE, book_id, 0, 0, 0, 0), phase, 0, -1, 0)
    if in_call(e, book_id) and not was_call:
        slot = more.pegs_head
        while slot != 0:
            if e.terms[slot].state == STATE_RESTING:
                lift(e, slot, REASON_PEG)
                settle(e, slot, 0)
            slot = e.terms[slot].list_next
