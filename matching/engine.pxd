"""Slabs of the books and the Python door over them."""
from libc.stdint cimport int64_t, uint32_t

from matching.types cimport engine_t

cdef engine_t *engine_create(uint32_t orders_max, uint32_t books_max, uint32_t pages_max, uint32_t owners_max) noexcept
cdef void engine_destroy(engine_t *e) noexcept
cdef int engine_add_book(engine_t *e, uint32_t book_id, int64_t price_step, int64_t lot_step, int64_t lots_max,
                         int64_t band_low, int64_t band_high, int64_t protection_bps,
                         int64_t protection_ticks) except -1

cdef class MatchingEngine:
    cdef engine_t *c
    cdef list results(self)
