"""Changes of live orders: amends, and quotes that replace themselves."""
from libc.stdint cimport uint32_t

from domain.wire cimport amend_order_t
from exchange.core cimport core_t
from matching.types cimport incoming_t

cdef void amend_order(core_t *c, const amend_order_t *command) noexcept nogil
cdef void replace_quote(core_t *c, incoming_t *quote, incoming_t *fresh, uint32_t slot) noexcept nogil
