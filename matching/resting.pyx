# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Coming to rest: what is left of an order takes its place in the book, and what the book remembers of it.

Lives here: a slot for a new order, links between two orders, terms of what is more than a plain limit.
Does not know: why there is something left (order_book.pyx, amends.pyx).
"""
from libc.stdint cimport int32_t, int64_t, uint32_t

from matching.events cimport event_rested
from matching.order_pool cimport TERMS, has_terms, id_add, order_free, owner_link, slot_take, terms_make
from matching.price_levels cimport level_append
from matching.resting cimport mode_bits
from matching.types cimport (MODE_SHIFT, SPECIAL_DISPLAY, SPECIAL_GATE, SPECIAL_GFA, SPECIAL_MARKET, SPECIAL_MMP,
                             SPECIAL_OCO, SPECIAL_QUOTE, STATE_RESTING, book_more_t, book_t, engine_t, incoming_t,
                             terms_t)
from matching.withdraw cimport forget_terms, list_add, quote_add

cdef enum:
    MARKET = 1
    GFA = 3


cdef uint32_t slot_new(engine_t *e, incoming_t *order) noexcept nogil:
    """A slot for a new order, known by id and owner; its mode is remembered."""
    cdef uint32_t slot = slot_take(e)
    e.orders[slot].order_id = order.order_id
    e.orders[slot].owner = order.owner
    e.orders[slot].shown_lots = 0
    e.orders[slot].place = mode_bits(order)
    owner_link(e, slot, order.owner)
    id_add(e, order.order_id, slot)
    return slot


cdef void slot_done(engine_t *e, incoming_t *order) noexcept nogil:
    """An amended or triggered order that left for good gives up its slot."""
    if order.slot == 0:
        return
    if has_terms(e, order.slot):
        forget_terms(e, order.slot)
    order_free(e, order.slot)
    order.slot = 0


cdef void link_partner(engine_t *e, uint32_t slot) noexcept nogil:
    """Tie a new order to the one it named (MATCH-079)."""
    cdef uint32_t partner = e.taker_partner
    if partner == 0:
        return
    e.taker_partner = 0
    terms_make(e, slot).partner = partner
    e.terms[slot].special |= SPECIAL_OCO
    terms_make(e, partner).partner = slot
    e.terms[partner].special |= SPECIAL_OCO


cdef void rest(engine_t *e, book_t *book, incoming_t *order) noexcept nogil:
    """Put what is left at the back of its level. An amended order comes back into its own slot and owner's place."""
    cdef uint32_t slot = order.slot if order.slot != 0 else slot_new(e, order)
    cdef int64_t shown = order.lots if order.display_lots == 0 else min(order.display_lots, order.lots)
    cdef bint calling = e.more[book.id].phase != 0
    cdef uint32_t bits
    cdef int64_t level_lots
    link_partner(e, slot)
    if (has_terms(e, slot) or order.filled_lots or order.display_lots or order.mmp or order.quote or order.reduce_only
            or (calling and (order.order_type == MARKET or order.time_in_force == GFA))):
        rest_terms(e, slot, order, order.lots - shown)
    bits = mode_bits(order) | (e.orders[slot].place & TERMS)
    level_lots = level_append(e, book, slot, order.side, <int32_t>order.price_ticks, shown, bits)
    event_rested(e, book.id, order.side, order.order_id, order.owner, slot, order.lots, level_lots, order.price_ticks)


cdef void rest_terms(engine_t *e, uint32_t slot, incoming_t *order, int64_t reserve_lots) noexcept nogil:
    """What is remembered of an order that is more than a plain limit."""
    cdef terms_t *terms = terms_make(e, slot)
    cdef book_more_t *more = &e.more[order.book]
    terms.state = STATE_RESTING
    terms.book = order.book
    terms.side = order.side
    terms.filled_lots = order.filled_lots
    terms.display_lots = order.display_lots
    terms.reserve_lots = reserve_lots
    if order.display_lots:
        terms.special |= SPECIAL_DISPLAY
    if order.mmp:
        terms.mmp = order.mmp
        terms.special |= SPECIAL_MMP
    if order.reduce_only:
        terms.reduce_only = 1
        terms.special |= SPECIAL_GATE
    if order.quote and not terms.special & SPECIAL_QUOTE:
        terms.quote_set = order.quote_set
        terms.special |= SPECIAL_QUOTE
        quote_add(e, slot)
    if (order.order_type == MARKET or order.time_in_force == GFA) and more.phase != 0:
        if not terms.special & SPECIAL_GFA:
            terms.special |= SPECIAL_GFA
            e.entries += 1
            terms.entry = e.entries
            list_add(e, &more.gfa_head, &more.gfa_tail, &more.gfa, slot)
        if order.order_type == MARKET:
            terms.special |= SPECIAL_MARKET
