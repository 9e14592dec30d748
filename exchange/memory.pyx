# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""How orders ended, when orders end by themselves, and the client order ids of the day (ORD-040..052).

Lives here: the ring of closed orders, the heap of expiries with its index, the table of client order ids.
Does not know: who asks. Every structure is bounded by a declared limit and dumped as it stands.
Theory: the heap is binary and indexed by slot, so an order that ends early leaves it in O(log n); equal times go by
order id. Client ids are hashed (FNV-1a with a key nobody knows, which shows in no answer and no dump) into an open table
that is emptied when the UTC day of exchange time changes.
"""
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memset

from exchange.core cimport Core, client_id_t, closed_t, core_t, due_order_t
from exchange.emit cimport emit_order
from matching.order_pool cimport filled_of, is_live, open_of, state_of
from matching.types cimport STATE_WAITING

from domain.ensure import ensure

cdef int64_t DAY_NS = 86_400_000_000_000


cdef void emit_closed(core_t *c, const closed_t *closed) noexcept nogil:
    """The frame of an order that ended, as it was then."""
    emit_order(c, closed.order_id, closed.account, closed.instrument, closed.side, closed.price_ticks,
               closed.filled_lots, closed.state, closed.reason, &closed.info,
               &c.closed_mores[closed.order_id % c.closed_max])


# ------------------------------------------------------------------------------------------------- heap of expiries

cdef inline bint before(const due_order_t *a, const due_order_t *b) noexcept nogil:
    return a.expire_ns < b.expire_ns or (a.expire_ns == b.expire_ns and a.order_id < b.order_id)


cdef void put(core_t *c, uint32_t at, due_order_t entry) noexcept nogil:
    c.heap[at] = entry
    c.heap_at[entry.slot] = at


cdef void sift(core_t *c, uint32_t at, due_order_t entry) noexcept nogil:
    """Put `entry` where it belongs, starting at the hole `at`."""
    cdef uint32_t child
    while at > 1 and before(&entry, &c.heap[at >> 1]):
        put(c, at, c.heap[at >> 1])
        at >>= 1
    while True:
        child = 2 * at
        if child > c.heap_count:
            break
        if child < c.heap_count and before(&c.heap[child + 1], &c.heap[child]):
            child += 1
        if not before(&c.heap[child], &entry):
            break
        put(c, at, c.heap[child])
        at = child
    put(c, at, entry)


cdef void due_add(core_t *c, int64_t expire_ns, uint64_t order_id, uint32_t slot) noexcept nogil:
    """This order ends by itself at `expire_ns`. Its slot is in the heap once; there are no more entries than slots."""
    cdef due_order_t entry
    entry.expire_ns, entry.order_id, entry.slot, entry.padding = expire_ns, order_id, slot, 0
    c.heap_count += 1
    sift(c, c.heap_count, entry)
    if expire_ns < c.due_ns:
        c.due_ns = expire_ns


cdef void due_remove(core_t *c, uint32_t slot) noexcept nogil:
    """It ended before its time."""
    cdef uint32_t at = c.heap_at[slot]
    if at == 0:
        return
    c.heap_at[slot] = 0
    c.heap_count -= 1
    if at <= c.heap_count:
        sift(c, at, c.heap[c.heap_count + 1])


cdef void due_rebuild(core_t *c) noexcept nogil:
    """The index of a heap that was loaded."""
    cdef uint32_t at
    for at in range(1, c.heap_count + 1):
        c.heap_at[c.heap[at].slot] = at


# ------------------------------------------------------------------------------------------------ client order ids

cdef uint64_t hash_of(core_t *c, uint32_t account, const char *text, int length) noexcept nogil:
    cdef uint64_t hash = <uint64_t>0xCBF29CE484222325 ^ c.engine.hash_key ^ account
    cdef int i
    for i in range(length):
        hash = (hash ^ <unsigned char>text[i]) * <uint64_t>0x100000001B3
    return (hash * c.engine.hash_key) >> 32


cdef void client_day_begin(core_t *c) noexcept nogil:
    """Forget yesterday's ids."""
    if c.time_ns // DAY_NS != c.client_day:
        c.client_day = c.time_ns // DAY_NS
        memset(c.client_index, 0, (<size_t>c.client_mask + 1) * sizeof(uint32_t))
        c.client_ids_used = 0


cdef client_id_t *client_id_find(core_t *c, uint32_t account, const char *text, int length) noexcept nogil:
    """The order that used this id today, NULL if none did."""
    cdef uint32_t at = <uint32_t>hash_of(c, account, text, length) & c.client_mask
    cdef client_id_t *known
    while c.client_index[at] != 0:
        known = &c.client_ids[c.client_index[at]]
        if known.account == account and known.length == length and memcmp(known.text, text, length) == 0:
            return known
        at = (at + 1) & c.client_mask
    return NULL


cdef void client_id_add(core_t *c, uint32_t account, const char *text, int length, uint64_t order_id) noexcept nogil:
    """Remember it; the caller has looked for room and for the id itself."""
    cdef client_id_t *fresh
    c.client_ids_used += 1
    fresh = &c.client_ids[c.client_ids_used]
    memset(fresh, 0, sizeof(client_id_t))
    fresh.order_id, fresh.account, fresh.length = order_id, account, <unsigned char>length
    memcpy(fresh.text, text, length)
    index_add(c, c.client_ids_used)


cdef void index_add(core_t *c, uint32_t number) noexcept nogil:
    cdef client_id_t *known = &c.client_ids[number]
    cdef uint32_t at = <uint32_t>hash_of(c, known.account, known.text, known.length) & c.client_mask
    while c.client_index[at] != 0:
        at = (at + 1) & c.client_mask
    c.client_index[at] = number


cdef void client_ids_rebuild(core_t *c) noexcept nogil:
    """The index of a table that was loaded."""
    cdef uint32_t number
    for number in range(1, c.client_ids_used + 1):
        index_add(c, number)


# ----------------------------------------------------------------------------------------------------------- laws

def check_memory(Core core):
    """Raise InvariantViolation unless the heap is one, holds each order that expires once, and promises stand where the
    state of an order says so. O(orders)."""
    cdef core_t *c = &core.c
    cdef uint32_t at, slot, expiring = 0
    for at in range(1, c.heap_count + 1):
        slot = c.heap[at].slot
        ensure(at == 1 or not before(&c.heap[at], &c.heap[at >> 1]), "the earliest expiry is on top")
        ensure(c.heap_at[slot] == at and is_live(c.engine, slot), "an expiry belongs to a live order")
        ensure(c.engine.orders[slot].order_id == c.heap[at].order_id, "an expiry names its order")
        ensure(c.heap[at].expire_ns >= c.due_ns, "nothing is due before the moment that is watched")
    for slot in range(1, c.engine.slots_used + 1):
        if not is_live(c.engine, slot):
            ensure(c.heap_at[slot] == 0, "an order that is gone expires no more")
            continue
        expiring += c.infos[slot].expires
        waits = state_of(c.engine, slot) == STATE_WAITING
        ensure(c.infos[slot].holding == (0 if waits else 1), "orders promise unless they wait")
        ensure(c.infos[slot].total_lots == filled_of(c.engine, slot) + open_of(c.engine, slot), "total is filled + open")
    ensure(expiring == c.heap_count, "every order that expires is in the heap")
    ensure(c.client_ids_used <= c.client_ids_max, "client order ids are within their limit")
