"""Frames of live orders, and the answer to a repeated client order id."""
from libc.stdint cimport int32_t, int64_t, uint32_t

from domain.wire cimport new_order_t, order_terms_t
from exchange.core cimport core_t

cdef void emit_live(core_t *c, uint32_t slot) noexcept nogil
cdef int32_t check_client_id(core_t *c, const new_order_t *command, const order_terms_t *terms,
                             int64_t *value) noexcept nogil
