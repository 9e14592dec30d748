"""Cancelling many orders at once, in pieces that fit the event buffer (MATCH-052, MATCH-053)."""
from libc.stdint cimport int64_t, uint32_t

from matching.types cimport engine_t

cdef bint cancel_owner_slots(engine_t *e, uint32_t owner, uint32_t *cursor, int64_t book, int side, int64_t low,
                             int64_t high, bint ranged, int reason) noexcept nogil
cdef uint32_t special_slots(engine_t *e, uint32_t book_id, int wanted) noexcept nogil
cdef bint cancel_book_slots(engine_t *e, uint32_t book_id, int side, int64_t low, int64_t high, bint ranged,
                            int reason) noexcept nogil
