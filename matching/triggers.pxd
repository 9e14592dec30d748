"""Orders that wait for a price: what a seen price triggers, and whose turn it is."""
from libc.stdint cimport int32_t, int64_t, uint32_t

from matching.types cimport engine_t, incoming_t

cdef int64_t reference_price(engine_t *e, uint32_t book_id, int reference) noexcept nogil
cdef bint is_met(engine_t *e, const incoming_t *order, int64_t price) noexcept nogil
cdef void price_seen(engine_t *e, uint32_t book_id, int reference, int32_t price) noexcept nogil
cdef void wait_start(engine_t *e, incoming_t *order, uint32_t slot) noexcept nogil
cdef uint32_t book_next_triggered(engine_t *e, incoming_t *order) noexcept nogil
cdef int32_t wait_check_amend(engine_t *e, uint32_t slot, int64_t trigger_ticks, bint ends) noexcept nogil
cdef void wait_amend(engine_t *e, uint32_t slot, int64_t price_ticks, int64_t total_lots,
                     int64_t trigger_ticks) noexcept nogil
