"""Orders by slot, by id and by owner: slab with LIFO free list, open-addressing id table, per-owner lists.

All inline, all O(1); the id table keeps load <= 1/2, and deletes by shifting back, so it never degrades. Its hash is
multiplied by a key that callers do not know, so ids cannot be chosen to collide.
"""
cimport cython
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memset

from matching.types cimport (MODE_SHIFT, PAGE_BITS, STATE_PARKED, STATE_RESTING, engine_t, link_t, order_t, owner_t,
                             terms_t)

cdef extern from *:
    """
    #define HASHBOOK_TERMS 0x80000000u
    #define HASHBOOK_LEVEL 0x07ffffffu
    /* The empty statement keeps gcc from taking a function that only fetches ahead for one without effect. */
    static inline void hashbook_prefetch(const void *address) { __builtin_prefetch(address); __asm__ volatile(""); }
    """
    const uint32_t TERMS "HASHBOOK_TERMS"
    const uint32_t LEVEL "HASHBOOK_LEVEL"
    bint unlikely "__builtin_expect"(bint condition, int expected) noexcept nogil
    void prefetch "hashbook_prefetch"(const void *address) noexcept nogil


# ------------------------------------------------------------------------------------------------------ what it is

cdef inline uint32_t level_of(engine_t *e, uint32_t slot) noexcept nogil:
    """Index of the level that the order stands in."""
    return e.orders[slot].place & LEVEL


cdef inline int mode_of(engine_t *e, uint32_t slot) noexcept nogil:
    return <int>((e.orders[slot].place >> MODE_SHIFT) & 15)


cdef inline int stp_of(engine_t *e, uint32_t slot) noexcept nogil:
    return mode_of(e, slot) % 5


cdef inline int post_only_of(engine_t *e, uint32_t slot) noexcept nogil:
    return mode_of(e, slot) // 5


cdef inline bint has_terms(engine_t *e, uint32_t slot) noexcept nogil:
    return (e.orders[slot].place & TERMS) != 0


cdef inline int state_of(engine_t *e, uint32_t slot) noexcept nogil:
    """STATE_*; of a live order."""
    return e.terms[slot].state if has_terms(e, slot) else STATE_RESTING


cdef inline bint is_live(engine_t *e, uint32_t slot) noexcept nogil:
    """Is this slot given out?"""
    return e.orders[slot].shown_lots > 0 or (has_terms(e, slot) and e.terms[slot].state != STATE_RESTING)


cdef inline uint32_t book_of(engine_t *e, uint32_t slot) noexcept nogil:
    if state_of(e, slot) != STATE_RESTING:
        return e.terms[slot].book
    return e.pages[level_of(e, slot) >> 7].book


cdef inline int side_of(engine_t *e, uint32_t slot) noexcept nogil:
    if state_of(e, slot) != STATE_RESTING:
        return e.terms[slot].side
    return <int>((e.orders[slot].place >> PAGE_BITS) & 1)


cdef inline int64_t price_of(engine_t *e, uint32_t slot) noexcept nogil:
    """The price it rests at; of waiting and parked orders their own limit, 0 = none."""
    if state_of(e, slot) != STATE_RESTING:
        return e.terms[slot].limit_ticks
    return ((<int64_t>e.pages[level_of(e, slot) >> 7].number) << PAGE_BITS) | (e.orders[slot].place & 63)


cdef inline int64_t open_of(engine_t *e, uint32_t slot) noexcept nogil:
    """Open lots, reserve included."""
    if not has_terms(e, slot):
        return e.orders[slot].shown_lots
    if e.terms[slot].state != STATE_RESTING:
        return e.terms[slot].open_lots
    return e.orders[slot].shown_lots + e.terms[slot].reserve_lots


cdef inline int64_t filled_of(engine_t *e, uint32_t slot) noexcept nogil:
    return e.terms[slot].filled_lots if has_terms(e, slot) else 0


cdef inline terms_t *terms_make(engine_t *e, uint32_t slot) noexcept nogil:
    """The order's terms, made all zero when it has none yet."""
    if not has_terms(e, slot):
        memset(&e.terms[slot], 0, sizeof(terms_t))
        e.orders[slot].place |= TERMS
    return &e.terms[slot]


# ------------------------------------------------------------------------------------------------------- id table

@cython.overflowcheck(False)        # mixing drops the bits above
cdef inline uint32_t id_tag(engine_t *e, uint64_t order_id) noexcept nogil:
    return <uint32_t>((order_id * e.hash_key) >> 32)


cdef inline uint32_t id_find_at(engine_t *e, uint64_t order_id, uint32_t tag, uint32_t *position) noexcept nogil:
    """Slot of a live order and where its entry stands; 0 and the place of a new entry if there is none."""
    cdef uint64_t *index = e.index
    cdef uint32_t at = tag >> e.index_shift
    cdef uint64_t entry = index[at]
    while entry != 0:
        if <uint32_t>(entry >> 32) == tag and e.orders[<uint32_t>entry].order_id == order_id:
            position[0] = at
            return <uint32_t>entry
        at = (at + 1) & e.index_mask
        entry = index[at]
    position[0] = at
    return 0


cdef inline uint32_t id_find(engine_t *e, uint64_t order_id) noexcept nogil:
    """Slot of a live order, 0 if none."""
    cdef uint32_t at
    return id_find_at(e, order_id, id_tag(e, order_id), &at)


cdef inline void id_add(engine_t *e, uint64_t order_id, uint32_t slot) noexcept nogil:
    cdef uint32_t tag = id_tag(e, order_id)
    cdef uint32_t at = tag >> e.index_shift
    while e.index[at] != 0:
        at = (at + 1) & e.index_mask
    e.index[at] = (<uint64_t>tag << 32) | slot


@cython.overflowcheck(False)        # distances go round the table
cdef inline void id_remove_at(engine_t *e, uint32_t at) noexcept nogil:
    """Empty this entry, then shift later entries of the run back into the hole."""
    cdef uint64_t *index = e.index
    cdef uint32_t mask = e.index_mask, shift = e.index_shift
    cdef uint32_t hole = at
    cdef uint32_t home
    cdef uint64_t entry
    while True:
        at = (at + 1) & mask
        entry = index[at]
        if entry == 0:
            break
        home = <uint32_t>(entry >> 32) >> shift
        if ((at - home) & mask) >= ((at - hole) & mask):
            index[hole] = entry
            hole = at
    index[hole] = 0


cdef inline void id_remove(engine_t *e, uint64_t order_id, uint32_t slot) noexcept nogil:
    """Take out the entry of `slot`, which is in the table."""
    cdef uint32_t at = id_tag(e, order_id) >> e.index_shift
    while <uint32_t>e.index[at] != slot:
        at = (at + 1) & e.index_mask
    id_remove_at(e, at)


# ---------------------------------------------------------------------------------------------------------- slots

cdef inline uint32_t slot_take(engine_t *e) noexcept nogil:
    """A free slot; the caller has checked that there is one."""
    cdef uint32_t slot = e.free_slot
    if slot != 0:
        e.free_slot = e.orders[slot].next_slot
        return slot
    e.slots_used += 1
    return e.slots_used


cdef inline void slot_return(engine_t *e, uint32_t slot) noexcept nogil:
    e.orders[slot].shown_lots = 0         # how a dump tells a free slot
    e.orders[slot].place = 0
    e.orders[slot].next_slot = e.free_slot
    e.free_slot = slot


cdef inline bint slot_available(engine_t *e) noexcept nogil:
    return e.free_slot != 0 or e.slots_used < e.orders_max


# --------------------------------------------------------------------------------------------------------- owners

cdef inline void owner_link(engine_t *e, uint32_t slot, uint32_t owner) noexcept nogil:
    """At the end of the owner's list. Apart from the orders themselves: neighbours' lines are not touched."""
    cdef owner_t *o
    cdef uint32_t tail
    if owner == 0:
        return
    o = &e.owners[owner]
    tail = o.tail
    e.links[slot].next = 0
    e.links[slot].prev = tail
    if tail != 0:
        e.links[tail].next = slot
    else:
        o.head = slot
    o.tail = slot
    o.count += 1


cdef inline void owner_unlink(engine_t *e, uint32_t slot, uint32_t owner) noexcept nogil:
    cdef owner_t *o
    cdef link_t link
    if owner == 0:
        return
    o = &e.owners[owner]
    link = e.links[slot]
    if link.prev != 0:
        e.links[link.prev].next = link.next
    else:
        o.head = link.next
    if link.next != 0:
        e.links[link.next].prev = link.prev
    else:
        o.tail = link.prev
    o.count -= 1


cdef inline void order_free(engine_t *e, uint32_t slot) noexcept nogil:
    """It is in no level and no list any more: forget it."""
    if slot == e.taker_partner:
        e.taker_partner = 0
    owner_unlink(e, slot, e.orders[slot].owner)
    id_remove(e, e.orders[slot].order_id, slot)
    slot_return(e, slot)


cdef inline bint same_person(engine_t *e, uint32_t a, uint32_t b) noexcept nogil:
    """One owner, or owners of one prevention group; nobody is never the same (MATCH-030)."""
    if a == b:
        return a != 0
    return e.groups_used != 0 and a != 0 and b != 0 and e.owners[a].group != 0 and e.owners[a].group == e.owners[b].group
