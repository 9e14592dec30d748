"""Orders by slot, by id and by owner: slab with LIFO free list, open-addressing id table, per-owner lists.

All inline, all O(1); the id table keeps load <= 1/2, and deletes by shifting back, so it never degrades.
"""
from libc.stdint cimport uint32_t, uint64_t

from matching.types cimport engine_t, order_t


cdef inline uint32_t id_tag(uint64_t order_id) noexcept nogil:
    return <uint32_t>((order_id * <uint64_t>0x9E3779B97F4A7C15) >> 32)


cdef inline uint32_t id_find(engine_t *e, uint64_t order_id) noexcept nogil:
    """Slot of a resting order, 0 if none."""
    cdef uint32_t tag = id_tag(order_id)
    cdef uint32_t at = tag >> e.index_shift
    cdef uint64_t entry
    while True:
        entry = e.index[at]
        if entry == 0:
            return 0
        if <uint32_t>(entry >> 32) == tag and e.orders[<uint32_t>entry].order_id == order_id:
            return <uint32_t>entry
        at = (at + 1) & e.index_mask


cdef inline void id_add(engine_t *e, uint64_t order_id, uint32_t slot) noexcept nogil:
    cdef uint32_t tag = id_tag(order_id)
    cdef uint32_t at = tag >> e.index_shift
    while e.index[at] != 0:
        at = (at + 1) & e.index_mask
    e.index[at] = (<uint64_t>tag << 32) | slot


cdef inline void id_remove(engine_t *e, uint64_t order_id, uint32_t slot) noexcept nogil:
    """Take out the entry of `slot`, then shift later entries of the run back into the hole."""
    cdef uint32_t at = id_tag(order_id) >> e.index_shift
    cdef uint32_t hole, home
    cdef uint64_t entry
    while <uint32_t>e.index[at] != slot or e.index[at] == 0:
        at = (at + 1) & e.index_mask
    hole = at
    while True:
        at = (at + 1) & e.index_mask
        entry = e.index[at]
        if entry == 0:
            break
        home = <uint32_t>(entry >> 32) >> e.index_shift
        if ((at - home) & e.index_mask) >= ((at - hole) & e.index_mask):
            e.index[hole] = entry
            hole = at
    e.index[hole] = 0


cdef inline uint32_t slot_take(engine_t *e) noexcept nogil:
    """A free slot; the caller has checked that there is one."""
    cdef uint32_t slot = e.free_slot
    if slot != 0:
        e.free_slot = e.orders[slot].next_slot
        return slot
    e.slots_used += 1
    return e.slots_used


cdef inline void slot_return(engine_t *e, uint32_t slot) noexcept nogil:
    e.orders[slot].open_lots = 0          # how a dump tells a free slot
    e.orders[slot].next_slot = e.free_slot
    e.free_slot = slot


cdef inline bint slot_available(engine_t *e) noexcept nogil:
    return e.free_slot != 0 or e.slots_used < e.orders_max


cdef inline void owner_link(engine_t *e, uint32_t slot) noexcept nogil:
    cdef order_t *order = &e.orders[slot]
    cdef uint32_t owner = order.owner
    if owner == 0:
        return
    order.owner_next = 0
    order.owner_prev = e.owner_tail[owner]
    if order.owner_prev != 0:
        e.orders[order.owner_prev].owner_next = slot
    else:
        e.owner_head[owner] = slot
    e.owner_tail[owner] = slot
    e.owner_count[owner] += 1


cdef inline void owner_unlink(engine_t *e, uint32_t slot) noexcept nogil:
    cdef order_t *order = &e.orders[slot]
    cdef uint32_t owner = order.owner
    if owner == 0:
        return
    if order.owner_prev != 0:
        e.orders[order.owner_prev].owner_next = order.owner_next
    else:
        e.owner_head[owner] = order.owner_next
    if order.owner_next != 0:
        e.orders[order.owner_next].owner_prev = order.owner_prev
    else:
        e.owner_tail[owner] = order.owner_prev
    e.owner_count[owner] -= 1
