"""Writing book events: a flat buffer that the caller empties by setting `event_count` to 0.

Every command but a sweep writes a bounded number; a sweep pauses at EVENTS_PAUSE (MATCH-064).
"""
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t

from matching.order_pool cimport unlikely
from matching.types cimport BOOK_CANCELLED, BOOK_RESTED, WATCH_MINDED, book_event_t, engine_t, incoming_t


cdef inline void touch(engine_t *e, uint32_t book_id) noexcept nogil:
    """Something happens in this book: its pegs are looked at when the command ends (MATCH-083), and its dynamic band
    goes by the price before it (MATCH-038)."""
    if not e.more[book_id].touched:
        e.more[book_id].touched = 1
        e.more[book_id].before_ticks = e.books[book_id].last_ticks
        e.touched[e.touched_count] = book_id
        e.touched_count += 1


cdef inline book_event_t *event_bare(engine_t *e, uint8_t kind, int reason, uint32_t book_id, int side,
                                     uint64_t order_id, uint32_t owner, uint32_t slot) noexcept nogil:
    """A new event of a book whose pegs, if any, are minded by the caller."""
    cdef book_event_t *event = &e.events[e.event_count]
    e.event_count += 1
    event.kind = kind
    event.rested = 1
    event.reason = <uint8_t>reason
    event.side = <uint8_t>side
    event.book = book_id
    event.order_id = order_id
    event.owner = owner
    event.slot = slot
    return event


cdef inline book_event_t *event_add(engine_t *e, uint8_t kind, uint32_t book_id, int side, uint64_t order_id,
                                    uint32_t owner, uint32_t slot) noexcept nogil:
    """A new event; the caller fills lots, open_lots, level_lots and the prices."""
    if unlikely((e.books[book_id].watch & WATCH_MINDED) != 0, 0):
        touch(e, book_id)
    return event_bare(e, kind, 0, book_id, side, order_id, owner, slot)


cdef inline void event_set(book_event_t *event, int64_t lots, int64_t open_lots, int64_t level_lots,
                           int64_t price) noexcept nogil:
    event.lots = lots
    event.open_lots = open_lots
    event.level_lots = level_lots
    event.price_ticks = <int32_t>price


cdef inline void event_rested(engine_t *e, uint32_t book_id, int side, uint64_t order_id, uint32_t owner, uint32_t slot,
                              int64_t open_lots, int64_t level_lots, int64_t price) noexcept nogil:
    event_set(event_add(e, BOOK_RESTED, book_id, side, order_id, owner, slot), open_lots, open_lots, level_lots, price)


cdef inline void event_cancelled(engine_t *e, uint32_t book_id, int side, uint64_t order_id, uint32_t owner,
                                 uint32_t slot, int reason, int64_t lots, int64_t level_lots,
                                 int64_t price) noexcept nogil:
    """An order that rested, waited or was parked is out."""
    cdef book_event_t *event = event_add(e, BOOK_CANCELLED, book_id, side, order_id, owner, slot)
    event.reason = <uint8_t>reason
    event_set(event, lots, 0, level_lots, price)


cdef inline void event_killed(engine_t *e, incoming_t *order, int reason) noexcept nogil:
    """The rest of an order that is not in the book."""
    cdef book_event_t *event = event_add(e, BOOK_CANCELLED, order.book, order.side, order.order_id, order.owner,
                                         order.slot)
    event.reason = <uint8_t>reason
    event.rested = 0
    event_set(event, order.lots, 0, -1, 0 if order.unbounded else order.price_ticks)
