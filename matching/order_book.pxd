"""The C-level door of the book: no Python objects, no allocation, no clock.

Call sequence for a new order:  `book_prepare` (validates, changes nothing) -> `book_execute` (cannot fail).
Events of the last execute stand in `engine.events[0 .. event_count)` until `engine.event_count` is set to 0.
"""
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

from matching.types cimport book_t, engine_t, incoming_t, order_t

cdef engine_t *engine_create(uint32_t orders_max, uint32_t books_max, uint32_t pages_max, uint32_t owners_max) noexcept
cdef void engine_destroy(engine_t *e) noexcept
cdef int engine_add_book(engine_t *e, uint32_t book_id, int64_t price_step, int64_t lot_step, int64_t lots_max,
                         int64_t band_low, int64_t band_high, int64_t protection_bps,
                         int64_t protection_ticks) except -1

cdef int32_t book_prepare(engine_t *e, incoming_t *order) noexcept nogil
cdef void book_execute(engine_t *e, incoming_t *order) noexcept nogil
cdef int32_t book_prepare_amend(engine_t *e, uint32_t slot, int64_t price_ticks, int64_t total_lots, int post_only,
                                incoming_t *fresh) noexcept nogil
cdef void book_execute_amend(engine_t *e, uint32_t slot, int64_t total_lots, incoming_t *fresh) noexcept nogil
cdef void book_cancel_slot(engine_t *e, uint32_t slot, int reason) noexcept nogil

cdef class MatchingEngine:
    cdef engine_t *c
    cdef list results(self)
