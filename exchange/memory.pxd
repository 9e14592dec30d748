"""What the exchange remembers beside the books: how orders ended, when they end, client order ids, recent trades."""
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from exchange.core cimport client_id_t, closed_t, core_t, order_info_t, order_more_t

cdef inline void remember_closed(core_t *c, uint64_t order_id, uint32_t account, uint32_t instrument, int side,
                                 int64_t price_ticks, int64_t filled_lots, int state, int reason,
                                 const order_info_t *info, const order_more_t *more) noexcept nogil:
    """Final state of an order; it pushes out the one whose id has the same remainder (ORD-050)."""
    cdef uint32_t at = <uint32_t>(order_id % c.closed_max)
    cdef closed_t *closed = &c.closed[at]
    closed.order_id = order_id
    closed.account = account
    closed.instrument = instrument
    closed.price_ticks = price_ticks
    closed.filled_lots = filled_lots
    closed.side = <uint8_t>side
    closed.state = <uint8_t>state
    closed.reason = <uint16_t>reason
    closed.info = info[0]
    if info.has_more:
        c.closed_mores[at] = more[0]


cdef inline closed_t *closed_find(core_t *c, uint64_t order_id, uint32_t account) noexcept nogil:
    """The account's own order as it ended, NULL if it is not remembered."""
    cdef closed_t *closed = &c.closed[order_id % c.closed_max]
    return closed if order_id != 0 and closed.order_id == order_id and closed.account == account else NULL


cdef void emit_closed(core_t *c, const closed_t *closed) noexcept nogil
cdef void due_add(core_t *c, int64_t expire_ns, uint64_t order_id, uint32_t slot) noexcept nogil
cdef void due_remove(core_t *c, uint32_t slot) noexcept nogil
cdef void due_rebuild(core_t *c) noexcept nogil
cdef client_id_t *client_id_find(core_t *c, uint32_t account, const char *text, int length) noexcept nogil
cdef void client_id_add(core_t *c, uint32_t account, const char *text, int length, uint64_t order_id) noexcept nogil
cdef void client_day_begin(core_t *c) noexcept nogil
cdef void client_ids_rebuild(core_t *c) noexcept nogil
