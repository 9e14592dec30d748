"""The plain limit order on its shortest way: enter and rest, or be pulled, without a struct in between.

Lives here: `book_limit`, `book_pull` and the hints, all inline, so that a harness, a batch or order entry compiles them
into its own loop. What is not plain (it crosses, the book is not in continuous trading or has implied prices) goes to order_book.pyx and is the same there: this is a short cut, not another set of rules.
"""
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t

from matching.events cimport event_bare, event_set
from matching.order_book cimport book_check_price, book_limit_any, book_take
from matching.order_pool cimport (LEVEL, TERMS, id_find_at, id_remove_at, id_tag, owner_link, owner_unlink, prefetch,
                                  slot_return, unlikely)
from matching.pegs cimport touch_at
from matching.price_levels cimport level_remove, page_append, page_take
from matching.types cimport (BOOK_CANCELLED, BOOK_RESTED, MODE_SHIFT, PAGE_BITS, WATCH_PEGS, WATCH_SLOW, book_t,
                             engine_t, level_t, order_t)
from matching.withdraw cimport book_withdraw

cdef enum:
    DUPLICATE_ID = 4005
    LOTS_RANGE = 2004
    PRICE_BAND = 2007
    BOOK_FULL = 4003
    UNKNOWN_ORDER = 4001


cdef inline int32_t book_limit(engine_t *e, uint32_t book_id, int side, uint64_t order_id, uint32_t owner, int stp,
                               int post_only, int64_t price_ticks, int64_t lots) noexcept nogil:
    """Enter a good-till-cancelled limit order: a RejectCode, or 0 and its events. Equals book_prepare + book_execute.

    `book_id` < books_max and `owner` < owners_max are the caller's word. O(1) + fills and levels touched.
    """
    cdef book_t *book = &e.books[book_id]
    cdef uint32_t tag = id_tag(e, order_id)
    cdef uint32_t at, slot, page
    cdef int64_t level_lots
    cdef int32_t code
    if unlikely(book.watch != 0, 0):
        if book.watch & WATCH_SLOW:
            return book_limit_any(e, book_id, side, order_id, owner, stp, post_only, price_ticks, lots)
        if book.watch & WATCH_PEGS:
            touch_at(e, book_id, side, price_ticks)     # a refusal after this finds at its end that nothing moved
    if unlikely(id_find_at(e, order_id, tag, &at) != 0, 0):
        return DUPLICATE_ID
    if unlikely(<uint64_t>(lots - 1) >= <uint64_t>book.lots_max, 0):
        return LOTS_RANGE
    if unlikely(book.checks != 0, 0):
        code = book_check_price(e, book_id, price_ticks, lots)
        if code != 0:
            return code
    if unlikely(<uint64_t>(price_ticks - book.band_low_ticks) > <uint64_t>book.band_span_ticks, 0):
        return PRICE_BAND
    if unlikely(price_ticks >= book.best[1] if side == 0 else price_ticks <= book.best[0], 0):
        return book_take(e, book, side, order_id, owner, stp, post_only, price_ticks, lots)
    page = book.directory[price_ticks >> PAGE_BITS]
    if unlikely(page == 0 and e.free_pages == 0, 0):
        return BOOK_FULL
    slot = e.free_slot
    if unlikely(slot == 0, 0):
        if e.slots_used == e.orders_max:
            return BOOK_FULL
        e.slots_used += 1
        slot = e.slots_used
    else:
        e.free_slot = e.orders[slot].next_slot
    if unlikely(page == 0, 0):
        page = page_take(e, book, <uint32_t>price_ticks >> PAGE_BITS)
    e.index[at] = (<uint64_t>tag << 32) | slot
    e.orders[slot].order_id = order_id
    e.orders[slot].owner = owner
    owner_link(e, slot, owner)
    level_lots = page_append(e, book, page, slot, side, <int32_t>price_ticks, lots,
                             <uint32_t>(post_only * 5 + stp) << MODE_SHIFT)
    event_set(event_bare(e, BOOK_RESTED, 0, book_id, side, order_id, owner, slot), lots, lots, level_lots, price_ticks)
    return 0


cdef inline int32_t book_pull(engine_t *e, uint64_t order_id, uint32_t owner, int reason) noexcept nogil:
    """Cancel a live order of `owner`: UNKNOWN_ORDER, or 0 and its event. O(1)."""
    cdef uint32_t at
    cdef uint32_t slot = id_find_at(e, order_id, id_tag(e, order_id), &at)
    cdef order_t *order = &e.orders[slot]
    cdef uint32_t place, number
    cdef book_t *book
    cdef int64_t lots, level_lots
    if unlikely(slot == 0 or order.owner != owner, 0):
        return UNKNOWN_ORDER
    place = order.place
    if unlikely((place & TERMS) != 0, 0):
        book_withdraw(e, slot, reason)
        return 0
    lots = order.shown_lots
    number = e.pages[(place & LEVEL) >> 7].number       # read before the page may be given back
    book = &e.books[e.pages[(place & LEVEL) >> 7].book]
    if unlikely((book.watch & WATCH_PEGS) != 0, 0):
        touch_at(e, book.id, <int>((place >> PAGE_BITS) & 1), (number << PAGE_BITS) | (place & 63))
    level_lots = level_remove(e, book, slot)
    event_set(event_bare(e, BOOK_CANCELLED, reason, book.id, <int>((place >> PAGE_BITS) & 1), order_id, owner, slot),
              lots, 0, level_lots, (number << PAGE_BITS) | (place & 63))
    owner_unlink(e, slot, owner)
    id_remove_at(e, at)
    slot_return(e, slot)
    return 0


cdef inline void hint_id(engine_t *e, uint64_t order_id) noexcept nogil:
    """Something will be looked up by this id soon."""
    prefetch(&e.index[id_tag(e, order_id) >> e.index_shift])


cdef inline void hint_order(engine_t *e, uint64_t order_id) noexcept nogil:
    """It will be touched very soon: after `hint_id` had its effect."""
    prefetch(&e.orders[<uint32_t>e.index[id_tag(e, order_id) >> e.index_shift]])


cdef inline void hint_level(engine_t *e, uint32_t book_id, int side, int64_t price_ticks) noexcept nogil:
    """An order will come to this price; a price outside the book is only not helped."""
    cdef book_t *book = &e.books[book_id]
    cdef uint32_t number = <uint32_t>price_ticks >> PAGE_BITS
    if number < book.pages:
        prefetch(&e.levels[(book.directory[number] << 7) | (<uint32_t>side << PAGE_BITS) | (<uint32_t>price_ticks & 63)])
