# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Amending a live order: in its place, as a fresh taker under its old id, or out (MATCH-040..047, MATCH-067).

Lives here: the checks of an amend and what it does to resting orders.
Does not know: how a fresh order trades (order_book.pyx); waiting orders and pegs have amends of their own beside them.
"""
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t
from libc.string cimport memset

from matching.events cimport event_add, event_cancelled, event_set
from matching.order_book cimport book_resume
from matching.order_checks cimport check_phase, check_room, check_terms, crosses, set_limits
from matching.order_pool cimport (LEVEL, TERMS, book_of, filled_of, has_terms, open_of, post_only_of, price_of, side_of,
                                  state_of, stp_of)
from matching.pegs cimport peg_amend
from matching.price_levels cimport level_remove
from matching.resting cimport mode_bits, rest
from matching.triggers cimport wait_amend, wait_check_amend
from matching.types cimport (BOOK_AMENDED, SPECIAL_MARKET, STATE_TAKING, STATE_WAITING, book_t, engine_t, incoming_t,
                             level_t, order_t, terms_t)
from matching.withdraw cimport book_withdraw

cdef enum:
    LIMIT = 0
    GTC = 0
    REASON_AMEND_TOTAL = 7
    REASON_AMEND_REPLACE = 8
    LOTS_RANGE = 2004
    LOT_STEP = 2005
    POST_ONLY_CROSS = 4002


cdef int32_t book_prepare_amend(engine_t *e, uint32_t slot, int64_t price_ticks, int64_t total_lots, int post_only,
                                int64_t trigger_ticks, incoming_t *fresh) noexcept nogil:
    """Validate an amend of a live order (post_only 255 = as it was); `fresh` describes the order it becomes.

    Rules MATCH-040..047. `fresh.waits` and `fresh.peg` say that it goes on waiting or following.
    """
    cdef uint32_t book_id = book_of(e, slot)
    cdef terms_t *terms = &e.terms[slot] if has_terms(e, slot) else NULL
    cdef int state = state_of(e, slot)
    cdef int32_t code = check_phase(e, book_id)
    if code != 0:
        return code
    describe_amend(e, slot, price_ticks, total_lots, post_only, fresh)
    fresh.waits = state == STATE_WAITING
    fresh.trigger_ticks = trigger_ticks
    if total_lots < 0 or total_lots > e.books[book_id].lots_max:
        return LOTS_RANGE
    if e.more[book_id].lot_step != 1 and total_lots % e.more[book_id].lot_step != 0:
        return LOT_STEP
    if terms != NULL and terms.special & SPECIAL_MARKET:
        fresh.price_ticks = price_of(e, slot)       # it has no limit: it stands at the edge of the band
    elif not (fresh.peg and price_ticks == 0) and not (fresh.waits and terms.order_type != LIMIT):
        code = check_terms(e, book_id, price_ticks, max(fresh.lots, <int64_t>1))
        if code != 0:
            return code
    if fresh.waits:
        return wait_check_amend(e, slot, trigger_ticks, fresh.lots <= 0)
    if fresh.peg or fresh.lots <= 0 or keeps_place(e, slot, fresh):
        return 0
    if fresh.post_only and crosses(e, fresh, fresh.price_ticks):
        return POST_ONLY_CROSS      # an amend never slides (MATCH-045)
    return check_room(e, fresh, fresh.price_ticks)


cdef void describe_amend(engine_t *e, uint32_t slot, int64_t price_ticks, int64_t total_lots, int post_only,
                         incoming_t *fresh) noexcept nogil:
    cdef terms_t *terms = &e.terms[slot] if has_terms(e, slot) else NULL
    memset(fresh, 0, sizeof(incoming_t))
    fresh.order_id = e.orders[slot].order_id
    fresh.owner = e.orders[slot].owner
    fresh.slot = slot
    fresh.book = book_of(e, slot)
    fresh.side = <uint8_t>side_of(e, slot)
    fresh.price_ticks = price_ticks
    fresh.filled_lots = filled_of(e, slot)
    fresh.lots = total_lots - fresh.filled_lots
    fresh.order_type = LIMIT
    fresh.time_in_force = GTC
    fresh.stp = <uint8_t>stp_of(e, slot)
    fresh.post_only = <uint8_t>(post_only_of(e, slot) if post_only == 255 else post_only)
    if terms != NULL:
        fresh.display_lots = terms.display_lots
        fresh.mmp = terms.mmp
        fresh.peg = terms.peg
        fresh.reduce_only = terms.reduce_only


cdef bint keeps_place(engine_t *e, uint32_t slot, const incoming_t *fresh) noexcept nogil:
    """Same price and no increase keeps the place (MATCH-041, MATCH-067)."""
    return fresh.price_ticks == price_of(e, slot) and fresh.lots <= open_of(e, slot)


cdef int book_execute_amend(engine_t *e, uint32_t slot, int64_t total_lots, incoming_t *fresh) noexcept nogil:
    """Carry out a prepared amend. Cannot fail; may pause like book_execute."""
    cdef book_t *book = &e.books[fresh.book]
    cdef int64_t price, lots, level_lots
    e.gate_passed = 0
    e.taker_partner = 0
    if fresh.waits:
        wait_amend(e, slot, fresh.price_ticks, total_lots, fresh.trigger_ticks)
        return 0
    if fresh.peg:
        peg_amend(e, slot, fresh.price_ticks, total_lots)
        return 0
    if fresh.lots <= 0:
        book_withdraw(e, slot, REASON_AMEND_TOTAL)
        return 0
    if keeps_place(e, slot, fresh):
        amend_in_place(e, slot, fresh)
        return 0
    price = price_of(e, slot)
    lots = open_of(e, slot)
    level_lots = level_remove(e, book, slot)
    event_cancelled(e, fresh.book, fresh.side, fresh.order_id, fresh.owner, slot, REASON_AMEND_REPLACE, lots,
                    level_lots, price)
    if has_terms(e, slot):
        e.terms[slot].state = STATE_TAKING
    e.orders[slot].shown_lots = 0
    if e.more[fresh.book].phase != 0:
        rest(e, book, fresh)
        return 0
    set_limits(e, fresh)
    return book_resume(e, fresh)


cdef void amend_in_place(engine_t *e, uint32_t slot, incoming_t *fresh) noexcept nogil:
    """Less of it, in its place: the reserve goes first."""
    cdef order_t *order = &e.orders[slot]
    cdef level_t *level = &e.levels[order.place & LEVEL]
    cdef int64_t shown = min(order.shown_lots, fresh.lots)
    level.lots -= order.shown_lots - shown
    order.shown_lots = shown
    if has_terms(e, slot):
        e.terms[slot].reserve_lots = fresh.lots - shown
    order.place = (order.place & (LEVEL | TERMS)) | mode_bits(fresh)
    event_set(event_add(e, BOOK_AMENDED, fresh.book, fresh.side, fresh.order_id, fresh.owner, slot), fresh.lots,
              fresh.lots, level.lots, fresh.price_ticks)
