"""Coming to rest: what is left of an order takes its place in the book."""
from libc.stdint cimport uint32_t

from matching.types cimport MODE_SHIFT, book_t, engine_t, incoming_t

cdef uint32_t slot_new(engine_t *e, incoming_t *order) noexcept nogil
cdef void slot_done(engine_t *e, incoming_t *order) noexcept nogil
cdef void link_partner(engine_t *e, uint32_t slot) noexcept nogil
cdef void rest(engine_t *e, book_t *book, incoming_t *order) noexcept nogil


cdef inline uint32_t mode_bits(const incoming_t *order) noexcept nogil:
    return <uint32_t>(order.post_only * 5 + order.stp) << MODE_SHIFT
