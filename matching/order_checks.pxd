"""What can be wrong with an order, in the order of MATCH-024. Changes nothing."""
from libc.stdint cimport int32_t, int64_t, uint32_t

from matching.types cimport engine_t, incoming_t

cdef int32_t check_order(engine_t *e, incoming_t *order) noexcept nogil
cdef int32_t check_terms(engine_t *e, uint32_t book_id, int64_t price_ticks, int64_t lots) noexcept nogil
cdef int32_t check_room(engine_t *e, const incoming_t *order, int64_t price_ticks) noexcept nogil
cdef int32_t check_post_only(engine_t *e, incoming_t *order) noexcept nogil
cdef int32_t check_phase(engine_t *e, uint32_t book_id) noexcept nogil
cdef bint crosses(engine_t *e, const incoming_t *order, int64_t price_ticks) noexcept nogil
cdef void set_limits(engine_t *e, incoming_t *order) noexcept nogil
cdef bint can_fill_all(engine_t *e, const incoming_t *order) noexcept nogil
