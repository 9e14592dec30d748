"""Fetching what the next records of a batch will touch while the present one is worked on.

Everything here is a hint to the processor: it changes nothing, and a wrong guess costs a line of cache. The lines of an
order, its id, its account's money and its final state are far apart, and every command waits for some of them.
"""
from libc.stdint cimport uint32_t

from clearing.contracts cimport NO_MARGIN
from clearing.margin cimport margin_book, margin_book_t
from domain.wire cimport cancel_order_t, new_order_t
from exchange.core cimport core_t
from matching.order_pool cimport id_tag, prefetch
from matching.plain cimport hint_id, hint_level

cdef enum:
    NEW_ORDER = 1
    CANCEL_ORDER = 2
    AMEND_ORDER = 3


cdef inline void look_ahead(core_t *c, const char *data, size_t at, size_t length) noexcept nogil:
    """The record at `at` comes next: its lines; of the one after it the id, so that its order is known by then."""
    cdef const cancel_order_t *known
    cdef uint32_t slot
    if at >= length:
        return
    known = <const cancel_order_t *>(data + at)
    if known.header.kind == NEW_ORDER:
        fetch_account(c, <const new_order_t *>known)
    elif known.header.kind == CANCEL_ORDER or known.header.kind == AMEND_ORDER:
        slot = <uint32_t>c.engine.index[id_tag(c.engine, known.order_id) >> c.engine.index_shift]
        prefetch(&c.engine.orders[slot])
        prefetch(&c.engine.links[slot])
        prefetch(&c.infos[slot])
        prefetch(<const char *>&c.infos[slot] + sizeof(c.infos[slot]) - 1)
        prefetch(&c.closed[known.order_id % c.closed_max])
    at += known.header.length_bytes
    if at < length:
        known = <const cancel_order_t *>(data + at)
        if known.header.kind == CANCEL_ORDER or known.header.kind == AMEND_ORDER:
            hint_id(c.engine, known.order_id)


cdef inline void fetch_account(core_t *c, const new_order_t *order) noexcept nogil:
    """Money, margin vectors and list of orders of the account that asks, and where the order goes by id and price."""
    cdef const char *book
    cdef uint32_t slot
    if order.account >= c.accounts_max or order.instrument >= c.instruments_max:
        return
    hint_id(c.engine, order.header.sequence)
    if order.side <= 1:
        hint_level(c.engine, order.instrument, order.side, order.price_ticks + c.contracts[order.instrument].bias_ticks)
    prefetch(&c.engine.owners[order.account])
    prefetch(&c.ledger.balances[<size_t>order.account * c.ledger.assets_max])
    slot = c.contracts[order.instrument].margin_slot
    if slot != NO_MARGIN:
        book = <const char *>margin_book(c.margin, order.account, slot)
        for slot in range(0, sizeof(margin_book_t), 64):
            prefetch(book + slot)
