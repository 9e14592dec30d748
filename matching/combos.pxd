"""Implied prices between combo books and their legs, first generation (MATCH-110..116)."""
from libc.stdint cimport int32_t, int64_t, uint32_t

from matching.types cimport engine_t, incoming_t

cdef struct bundle_t:             # one implied offer: the first order of every part
    int64_t price_ticks           # in the book that it is an offer of
    int64_t lots                  # least of the first orders
    int64_t level_lots            # least of the best levels
    uint32_t combo
    uint32_t parts
    uint32_t book[13]             # the combo first (implied out), then the other legs in leg order
    int32_t price[13]
    int side[13]

cdef bint implied_best(engine_t *e, uint32_t book_id, int side, uint32_t owner, bundle_t *best) noexcept nogil
cdef int64_t implied_price(engine_t *e, uint32_t book_id, int side, uint32_t owner) noexcept nogil
cdef bint implied_step(engine_t *e, incoming_t *order, int32_t direct) noexcept nogil
cdef int combo_open(engine_t *e, uint32_t combo, const uint32_t *books, const int32_t *ratios, uint32_t count) noexcept nogil
