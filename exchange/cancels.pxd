"""Taking orders away: one, many by filters, those of a session; refusals for orders that are gone."""
from libc.stdint cimport uint32_t, uint64_t

from domain.wire cimport cancel_all_t, cancel_order_t
from exchange.core cimport core_t
from matching.order_pool cimport book_of, id_find

cdef void cancel_order(core_t *c, const cancel_order_t *command) noexcept nogil
cdef void cancel_all(core_t *c, const cancel_all_t *command) noexcept nogil
cdef void cancel_sessions(core_t *c, const cancel_all_t *command) noexcept nogil
cdef void cancel_slot(core_t *c, uint32_t slot, int reason) noexcept nogil
cdef void refuse_unknown(core_t *c, uint64_t order_id, uint32_t account, uint32_t market) noexcept nogil


cdef inline uint32_t own_order(core_t *c, uint64_t order_id, uint32_t account, uint32_t market) noexcept nogil:
    """Slot of a live order of this account and market (0 = any); unknown and foreign look the same."""
    cdef uint32_t slot = id_find(c.engine, order_id)
    if slot == 0 or account == 0 or c.engine.orders[slot].owner != account:
        return 0
    if market != 0 and book_of(c.engine, slot) + 1 != market:
        return 0
    return slot
