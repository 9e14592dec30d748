"""Amending a live order (MATCH-040..047)."""
from libc.stdint cimport int32_t, int64_t, uint32_t

from matching.types cimport engine_t, incoming_t

cdef int32_t book_prepare_amend(engine_t *e, uint32_t slot, int64_t price_ticks, int64_t total_lots, int post_only,
                                int64_t trigger_ticks, incoming_t *fresh) noexcept nogil
cdef int book_execute_amend(engine_t *e, uint32_t slot, int64_t total_lots, incoming_t *fresh) noexcept nogil
cdef bint keeps_place(engine_t *e, uint32_t slot, const incoming_t *fresh) noexcept nogil
