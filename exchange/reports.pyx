# cython: language_level=3, boundscheck=False, wraparound=False
"""Reports of orders that are there already: live ones, and those that a repeated client order id names (ORD-051).

Lives here: `emit_live`, `check_client_id`. Does not know: how ids and ended orders are remembered (memory.pyx).
"""
from libc.stdint cimport int32_t, int64_t, uint32_t

from domain.wire cimport new_order_t, order_terms_t
from exchange.core cimport client_id_t, closed_t, core_t
from exchange.emit cimport emit_order
from exchange.memory cimport client_day_begin, client_id_find, closed_find, emit_closed
from matching.order_pool cimport book_of, id_find, open_of, price_of, side_of, state_of
from matching.types cimport STATE_PARKED, STATE_RESTING

cdef enum:
    ORDER_OPEN = 1
    ORDER_WAITING = 5
    ORDER_PARKED = 6
    DUPLICATE_CLIENT_ID = 4021
    CLIENT_IDS_FULL = 4022


cdef int32_t check_client_id(core_t *c, const new_order_t *command, const order_terms_t *terms,
                             int64_t *value) noexcept nogil:
    """A repeat changes nothing: -1 and the first order's report, or DUPLICATE_CLIENT_ID if nothing is known of it
    any more (ORD-051). 0 for a new id."""
    cdef const char *text = <const char *>terms + sizeof(order_terms_t) + command.label_bytes
    cdef client_id_t *known
    cdef closed_t *closed
    cdef uint32_t slot
    client_day_begin(c)
    known = client_id_find(c, command.account, text, terms.client_id_bytes)
    if known == NULL:
        return CLIENT_IDS_FULL if c.client_ids_used >= c.client_ids_max else 0
    value[0] = <int64_t>known.order_id
    slot = id_find(c.engine, known.order_id)
    if slot != 0:
        emit_live(c, slot)
        return -1
    closed = closed_find(c, known.order_id, command.account)
    if closed == NULL:
        return DUPLICATE_CLIENT_ID
    emit_closed(c, closed)
    return -1


cdef void emit_live(core_t *c, uint32_t slot) noexcept nogil:
    """The frame of an order that rests, waits or is parked."""
    cdef uint32_t book = book_of(c.engine, slot)
    cdef int state = state_of(c.engine, slot)
    cdef int64_t price = price_of(c.engine, slot)
    if state == STATE_PARKED:
        price = 0
    elif price != 0:
        price -= c.contracts[book].bias_ticks
    emit_order(c, c.engine.orders[slot].order_id, c.engine.orders[slot].owner, book, side_of(c.engine, slot), price,
               c.infos[slot].total_lots - open_of(c.engine, slot),
               ORDER_OPEN if state == STATE_RESTING else ORDER_PARKED if state == STATE_PARKED else ORDER_WAITING, 0,
               &c.infos[slot], &c.mores[slot])
