"""Phases of a book and the call auction that ends a call (MATCH-090..098)."""
from libc.stdint cimport int32_t, int64_t, uint32_t

from matching.types cimport engine_t

cdef struct indicative_t:
    int64_t price_ticks           # 0 = nothing would trade
    int64_t volume_lots
    int64_t surplus_lots          # D - S at that price

cdef void auction_price(engine_t *e, uint32_t book_id, indicative_t *found) noexcept nogil
cdef int32_t book_set_phase(engine_t *e, uint32_t book_id, int phase, bint force) noexcept nogil
cdef bint book_uncross(engine_t *e, uint32_t book_id) noexcept nogil
cdef void book_set_price(engine_t *e, uint32_t book_id, int reference, int64_t price_ticks) noexcept nogil
