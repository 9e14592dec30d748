"""One fill of a resting order, and all that follows from it before anything else trades.

Lives here: `fill_maker`, inline because a sweep is made of it; what an iceberg, a linked or a tagged order does then.
Does not know: whether and at which price to trade (order_book.pyx, combos.pyx).
"""
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

from matching.events cimport event_add, event_bare, event_killed, event_set, touch
from matching.order_pool cimport TERMS, has_terms, id_tag, is_live, order_free, prefetch, terms_make, unlikely
from matching.price_levels cimport level_emptied
from matching.protection cimport mmp_fill
from matching.triggers cimport price_seen
from matching.types cimport (BOOK_FILL, BOOK_REFRESHED, SPECIAL_MMP, SPECIAL_OCO, WATCH_MINDED, WATCH_TRIGGERS, book_event_t, book_t,
                             engine_t, incoming_t, level_t, order_t, terms_t)
from matching.withdraw cimport book_withdraw, fire_partner, forget_terms

cdef enum:
    REASON_OCO_FILL = 16
    REASON_MMP_FILL = 17
    TAKER_ITSELF = 0x7FFFFFFF     # no slot: the maker's partner is the order that takes


cdef inline void refresh(engine_t *e, uint32_t book_id, int side, uint32_t slot, level_t *level,
                         int32_t price) noexcept nogil:
    """The shown part of the head is used up: a new one goes to the back of the queue (MATCH-066)."""
    cdef order_t *order = &e.orders[slot]
    cdef terms_t *terms = &e.terms[slot]
    cdef int64_t shown = min(terms.display_lots, terms.reserve_lots)
    terms.reserve_lots -= shown
    order.shown_lots = shown
    level.lots += shown
    if level.tail != slot:
        level.head = order.next_slot
        e.orders[level.head].prev_slot = 0
        order.prev_slot = level.tail
        order.next_slot = 0
        e.orders[level.tail].next_slot = slot
        level.tail = slot
    event_set(event_add(e, BOOK_REFRESHED, book_id, side, order.order_id, order.owner, slot), shown,
              shown + terms.reserve_lots, level.lots, price)


cdef inline void head_gone(engine_t *e, book_t *book, int side, uint32_t slot, level_t *level, uint32_t index,
                           int32_t price) noexcept nogil:
    """The head of a level is used up: unlink it everywhere. Its level's lots are already right."""
    cdef uint32_t after = e.orders[slot].next_slot
    level.head = after
    if after != 0:
        e.orders[after].prev_slot = 0
        # A sweep comes to these next: its own entry in the id table, and the order behind it.
        prefetch(&e.index[id_tag(e, e.orders[after].order_id) >> e.index_shift])
        prefetch(&e.orders[e.orders[after].next_slot])
    else:
        level.tail = 0
        level_emptied(e, book, side, index, price)
    if has_terms(e, slot) and e.terms[slot].special:
        forget_terms(e, slot)
    order_free(e, slot)


cdef inline void taker_filled(engine_t *e, incoming_t *order, int64_t lots) noexcept nogil:
    """The taker's partner goes, its protection counts (MATCH-079, MATCH-102)."""
    cdef uint32_t partner = e.taker_partner
    if partner != 0:
        e.taker_partner = 0
        book_withdraw(e, partner, REASON_OCO_FILL)
    if order.slot != 0 and has_terms(e, order.slot) and e.terms[order.slot].special & SPECIAL_OCO:
        fire_partner(e, order.slot)
    if order.mmp and order.stopped == 0 and mmp_fill(e, order.owner, order.mmp, order.book, order.side, lots):
        order.stopped = REASON_MMP_FILL


cdef inline void untie_taker(engine_t *e, incoming_t *order) noexcept nogil:
    """The taker was cancelled by its partner's fill: nobody looks for a partner any more."""
    cdef uint32_t partner
    e.taker_partner = 0
    if order.slot != 0 and has_terms(e, order.slot):
        partner = e.terms[order.slot].partner
        e.terms[order.slot].partner = 0
        e.terms[order.slot].special &= <unsigned char>~SPECIAL_OCO
        if partner != 0:
            e.terms[partner].partner = 0
            e.terms[partner].special &= <unsigned char>~SPECIAL_OCO


cdef inline void maker_filled(engine_t *e, incoming_t *order, uint32_t partner, uint32_t owner, int group,
                              uint32_t book_id, int side, int64_t lots) noexcept nogil:
    """The maker's partner goes, its protection counts; the taker may be that partner, or of the same group."""
    if partner != 0 and order != NULL and (partner == order.slot or partner == TAKER_ITSELF):
        if order.lots > 0:
            event_killed(e, order, REASON_OCO_FILL)
            order.lots = 0
            untie_taker(e, order)
    elif partner != 0 and is_live(e, partner):
        book_withdraw(e, partner, REASON_OCO_FILL)
    if group != 0 and mmp_fill(e, owner, group, book_id, side, lots):
        if order != NULL and order.owner == owner and order.mmp == group:
            order.stopped = REASON_MMP_FILL


cdef struct after_fill_t:         # read before the order may be gone
    uint32_t partner
    uint32_t owner
    int group


cdef inline void fill_part(engine_t *e, book_t *book, incoming_t *order, int side, uint32_t slot, level_t *level,
                           int64_t lots, int32_t price, after_fill_t *after) noexcept nogil:
    """`lots` of the head of `level` trade at its price with `order`; what follows from it is left to the caller."""
    cdef order_t *maker = &e.orders[slot]
    cdef uint32_t place = maker.place
    cdef int64_t shown = maker.shown_lots - lots, reserve = 0
    cdef terms_t *terms
    cdef book_event_t *event
    after.owner, after.partner, after.group = maker.owner, 0, 0
    maker.shown_lots = shown
    level.lots -= lots
    if unlikely((place & TERMS) != 0, 0):
        terms = &e.terms[slot]
        terms.filled_lots += lots
        reserve = terms.reserve_lots
        after.partner = terms.partner
        after.group = terms.mmp
    elif shown != 0:
        terms_make(e, slot).filled_lots = lots
    if unlikely(slot == e.taker_partner, 0):
        after.partner = TAKER_ITSELF
    if unlikely((book.watch & WATCH_MINDED) != 0, 0):
        touch(e, book.id)
    event = event_bare(e, BOOK_FILL, 0, book.id, side, maker.order_id, after.owner, slot)
    event.taker_id = order.order_id
    event_set(event, lots, shown + reserve, level.lots, price)
    if shown == 0:
        if unlikely(reserve != 0, 0):
            refresh(e, book.id, side, slot, level, price)
        else:
            head_gone(e, book, side, slot, level, place & 0x7ffffff, price)


cdef inline void see_trade(engine_t *e, book_t *book, int32_t price) noexcept nogil:
    """The last price of the book, and who waited for it."""
    if unlikely((book.watch & WATCH_TRIGGERS) != 0, 0) and book.last_ticks != price:
        book.last_ticks = price
        price_seen(e, book.id, 0, price)
    book.last_ticks = price


cdef inline void fill_maker(engine_t *e, book_t *book, incoming_t *order, int side, uint32_t slot, level_t *level,
                            int64_t lots, int32_t price) noexcept nogil:
    """fill_part, and what follows from it; the taker's own side is the caller's."""
    cdef after_fill_t after
    fill_part(e, book, order, side, slot, level, lots, price, &after)
    if unlikely(after.partner != 0 or after.group != 0, 0):
        maker_filled(e, order, after.partner, after.owner, after.group, book.id, side, lots)
    see_trade(e, book, price)
