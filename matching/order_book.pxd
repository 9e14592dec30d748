"""The C-level door of the book: no Python objects, no allocation, no clock.

Call sequence for a new order:  `book_prepare` (validates, changes nothing) -> `book_execute` (cannot fail).
Events of the last execute stand in `engine.events[0 .. event_count)` until `engine.event_count` is set to 0.
"""
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

from matching.types cimport book_t, engine_t, incoming_t, order_t

cdef int32_t book_prepare(engine_t *e, incoming_t *order) noexcept nogil
cdef void book_execute(engine_t *e, incoming_t *order) noexcept nogil
cdef int32_t book_prepare_amend(engine_t *e, uint32_t slot, int64_t price_ticks, int64_t total_lots, int post_only,
                                incoming_t *fresh) noexcept nogil
cdef void book_execute_amend(engine_t *e, uint32_t slot, int64_t total_lots, incoming_t *fresh) noexcept nogil
cdef void book_cancel_slot(engine_t *e, uint32_t slot, int reason) noexcept nogil
