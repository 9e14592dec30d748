# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Taking orders out for good, in whatever state they are, and the lists that special orders stand in.

Lives here: `book_withdraw`; the lists of waiting, trailing, pegged and good-for-auction orders; the line of triggered
ones; links between two orders; the table of quotes.
Does not know: why an order goes, matching, prices that are seen.
"""
cimport cython
from libc.stdint cimport int64_t, uint32_t, uint64_t

from matching.events cimport event_cancelled
from matching.order_pool cimport (TERMS, book_of, has_terms, open_of, order_free, price_of, side_of)
from matching.price_levels cimport level_append, level_remove
from matching.types cimport (MODE_SHIFT, SPECIAL_GFA, SPECIAL_OCO, SPECIAL_PEG, SPECIAL_QUOTE, STATE_PARKED,
                             STATE_QUEUED, STATE_RESTING, STATE_WAITING, TRIGGER_BOOKS, WATCH_PEGS, WATCH_TRIGGERS,
                             book_more_t, book_t, engine_t, order_t, terms_t)

cdef enum:
    REASON_OCO = 16
    UP = 1


cdef void book_withdraw(engine_t *e, uint32_t slot, int reason) noexcept nogil:
    """Take a live order out for good: from its level, its trigger, the line, or where it is parked. O(1)."""
    cdef order_t *order = &e.orders[slot]
    cdef uint32_t book_id = book_of(e, slot)
    cdef int side = side_of(e, slot)
    cdef int64_t price = price_of(e, slot), lots = open_of(e, slot), level_lots = -1
    cdef int state = e.terms[slot].state if has_terms(e, slot) else STATE_RESTING
    if state == STATE_RESTING:
        level_lots = level_remove(e, &e.books[book_id], slot)
    elif state == STATE_WAITING:
        wait_remove(e, slot)
    elif state == STATE_QUEUED:
        line_remove(e, slot)
    event_cancelled(e, book_id, side, order.order_id, order.owner, slot, reason, lots, level_lots, price)
    if has_terms(e, slot):
        forget_terms(e, slot)
    order_free(e, slot)


cdef void forget_terms(engine_t *e, uint32_t slot) noexcept nogil:
    """Out of every list that its terms put it into; the order is about to go."""
    cdef terms_t *terms = &e.terms[slot]
    cdef book_more_t *more
    if terms.special & SPECIAL_OCO:
        if terms.partner != 0:
            e.terms[terms.partner].partner = 0
            e.terms[terms.partner].special &= <unsigned char>~SPECIAL_OCO
        terms.partner = 0
    if terms.special & SPECIAL_PEG:
        more = &e.more[terms.book]
        list_remove(e, &more.pegs_head, &more.pegs_tail, &more.pegs, slot)
        if more.pegs == 0:
            e.books[terms.book].watch &= ~<uint32_t>WATCH_PEGS
    elif terms.special & SPECIAL_GFA:
        more = &e.more[terms.book]
        list_remove(e, &more.gfa_head, &more.gfa_tail, &more.gfa, slot)
    if terms.special & SPECIAL_QUOTE:
        quote_remove(e, slot)


cdef void fire_partner(engine_t *e, uint32_t slot) noexcept nogil:
    """One of two linked orders traded or triggered: the other goes (MATCH-079)."""
    cdef uint32_t partner = e.terms[slot].partner
    if partner != 0:
        book_withdraw(e, partner, REASON_OCO)


# ---------------------------------------------------------------------------------------------------------- lists

cdef void list_add(engine_t *e, uint32_t *head, uint32_t *tail, uint32_t *count, uint32_t slot) noexcept nogil:
    cdef terms_t *terms = &e.terms[slot]
    terms.list_next = 0
    terms.list_prev = tail[0]
    if tail[0] != 0:
        e.terms[tail[0]].list_next = slot
    else:
        head[0] = slot
    tail[0] = slot
    count[0] += 1


cdef void list_remove(engine_t *e, uint32_t *head, uint32_t *tail, uint32_t *count, uint32_t slot) noexcept nogil:
    cdef terms_t *terms = &e.terms[slot]
    if terms.list_prev != 0:
        e.terms[terms.list_prev].list_next = terms.list_next
    else:
        head[0] = terms.list_next
    if terms.list_next != 0:
        e.terms[terms.list_next].list_prev = terms.list_prev
    else:
        tail[0] = terms.list_prev
    count[0] -= 1


cdef void line_add(engine_t *e, uint32_t slot) noexcept nogil:
    """To the end of the line of triggered orders. One that trails goes on seeing prices there."""
    if e.terms[slot].reference == 0 and (e.terms[slot].trail_ticks or e.terms[slot].trail_bps):
        e.books[e.terms[slot].book].watch |= WATCH_TRIGGERS
    e.terms[slot].state = STATE_QUEUED
    e.orders[slot].next_slot = 0
    e.orders[slot].prev_slot = e.line_tail
    if e.line_tail != 0:
        e.orders[e.line_tail].next_slot = slot
    else:
        e.line_head = slot
    e.line_tail = slot


cdef void line_remove(engine_t *e, uint32_t slot) noexcept nogil:
    cdef order_t *order = &e.orders[slot]
    if order.prev_slot != 0:
        e.orders[order.prev_slot].next_slot = order.next_slot
    else:
        e.line_head = order.next_slot
    if order.next_slot != 0:
        e.orders[order.next_slot].prev_slot = order.prev_slot
    else:
        e.line_tail = order.prev_slot


cdef void wait_add(engine_t *e, uint32_t slot) noexcept nogil:
    """Let it wait: in the level of its trigger price, or among the trailing orders of its book."""
    cdef terms_t *terms = &e.terms[slot]
    cdef book_more_t *more = &e.more[terms.book]
    terms.state = STATE_WAITING
    e.orders[slot].shown_lots = 0
    if terms.trail_ticks or terms.trail_bps:
        list_add(e, &more.trailing_head, &more.trailing_tail, &more.trailing, slot)
    else:
        level_append(e, &e.books[e.books_max + TRIGGER_BOOKS * terms.book + terms.reference], slot,
                     1 if terms.trigger == UP else 0, <int>terms.trigger_ticks, 0,
                     e.orders[slot].place & ~<uint32_t>0x7ffffff)
        more.waiting[terms.reference] += 1
    if terms.reference == 0:
        e.books[terms.book].watch |= WATCH_TRIGGERS


cdef void wait_remove(engine_t *e, uint32_t slot) noexcept nogil:
    """It waits no longer; the caller gives it its next state."""
    cdef terms_t *terms = &e.terms[slot]
    cdef book_more_t *more = &e.more[terms.book]
    if terms.trail_ticks or terms.trail_bps:
        list_remove(e, &more.trailing_head, &more.trailing_tail, &more.trailing, slot)
    else:
        level_remove(e, &e.books[e.books_max + TRIGGER_BOOKS * terms.book + terms.reference], slot)
        more.waiting[terms.reference] -= 1
    if more.waiting[0] == 0 and more.trailing == 0:
        e.books[terms.book].watch &= ~<uint32_t>WATCH_TRIGGERS


# --------------------------------------------------------------------------------------------------------- quotes

@cython.overflowcheck(False)        # mixing drops the bits above
cdef uint64_t quote_key(uint32_t owner, uint64_t quote_set, uint32_t book, int side) noexcept nogil:
    """Mixed name of a quote; equal names are compared field by field."""
    cdef uint64_t key = (quote_set ^ (<uint64_t>owner << 32) ^ (<uint64_t>book << 1) ^ <uint64_t>side)
    key = (key ^ (key >> 30)) * <uint64_t>0xBF58476D1CE4E5B9
    return key ^ (key >> 27)


@cython.overflowcheck(False)
cdef inline uint32_t quote_home(engine_t *e, uint32_t owner, uint64_t quote_set, uint32_t book, int side) noexcept nogil:
    return <uint32_t>((quote_key(owner, quote_set, book, side) * e.hash_key) >> 32) & e.quotes_mask


cdef uint32_t quote_find(engine_t *e, uint32_t owner, uint64_t quote_set, uint32_t book, int side) noexcept nogil:
    """Slot of the quote of this name, 0 if none."""
    cdef uint32_t at = quote_home(e, owner, quote_set, book, side)
    cdef uint32_t slot
    while e.quotes[at] != 0:
        slot = <uint32_t>e.quotes[at]
        if (e.orders[slot].owner == owner and e.terms[slot].quote_set == quote_set and e.terms[slot].book == book
                and e.terms[slot].side == side):
            return slot
        at = (at + 1) & e.quotes_mask
    return 0


cdef void quote_add(engine_t *e, uint32_t slot) noexcept nogil:
    """`terms` hold owner's set, book and side."""
    cdef terms_t *terms = &e.terms[slot]
    cdef uint32_t at = quote_home(e, e.orders[slot].owner, terms.quote_set, terms.book, terms.side)
    while e.quotes[at] != 0:
        at = (at + 1) & e.quotes_mask
    e.quotes[at] = slot


@cython.overflowcheck(False)        # distances go round the table
cdef void quote_remove(engine_t *e, uint32_t slot) noexcept nogil:
    cdef terms_t *terms = &e.terms[slot]
    cdef uint32_t hole = quote_home(e, e.orders[slot].owner, terms.quote_set, terms.book, terms.side)
    cdef uint32_t at, home, other
    while <uint32_t>e.quotes[hole] != slot:
        hole = (hole + 1) & e.quotes_mask
    at = hole
    while True:
        at = (at + 1) & e.quotes_mask
        if e.quotes[at] == 0:
            break
        other = <uint32_t>e.quotes[at]
        home = quote_home(e, e.orders[other].owner, e.terms[other].quote_set, e.terms[other].book, e.terms[other].side)
        if ((at - home) & e.quotes_mask) >= ((at - hole) & e.quotes_mask):
            e.quotes[hole] = e.quotes[at]
            hole = at
    e.quotes[hole] = 0
