"""What follows from the book's events, after every command and between the pieces of a long one."""
from libc.stdint cimport int64_t, uint32_t

from exchange.core cimport core_t, taker_t
from matching.types cimport incoming_t

cdef void take_start(taker_t *taker, incoming_t *order, uint32_t slot) noexcept nogil
cdef void carry_on(core_t *c, int status, taker_t *taker) noexcept nogil
cdef void drain(core_t *c) noexcept nogil
cdef void adopt(core_t *c, uint32_t slot, taker_t *taker) noexcept nogil
cdef void make_more(core_t *c, uint32_t slot) noexcept nogil
cdef int64_t reducible(core_t *c, uint32_t account, uint32_t instrument, int side) noexcept nogil
