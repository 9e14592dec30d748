# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Market-maker protection: limits over a rolling window, counted inside the matcher (MATCH-102..104).

Lives here: the sums of an owner's group, and what happens above a limit.
Does not know: what time is. `engine.now` is the caller's number; it never falls, and windows are differences of it.
"""
from libc.stdint cimport int32_t, int64_t, uint32_t
from libc.string cimport memset

from matching.events cimport event_add, event_set
from matching.order_pool cimport has_terms
from matching.types cimport (BOOK_MMP, MMP_FILLS, MMP_GROUPS, STATE_TAKING, engine_t, mmp_t)
from matching.withdraw cimport book_withdraw

cdef enum:
    REASON_MMP = 17
    MMP_UNKNOWN = 4015
    MMP_FROZEN = 4016
    CAPACITY = 2043


cdef mmp_t *mmp_group(engine_t *e, uint32_t owner, int group) noexcept nogil:
    """The owner's group, NULL if it was never set."""
    cdef uint32_t index = e.mmp_of[owner * MMP_GROUPS + <uint32_t>group]
    return NULL if index == 0 else &e.mmp[index]


cdef int mmp_set(engine_t *e, uint32_t owner, int group, int64_t lots, int64_t delta, int64_t vega, int64_t window,
                 int64_t frozen) noexcept nogil:
    """Set a group's limits; its sums stay. CAPACITY when all declared groups are given out."""
    cdef mmp_t *mmp = mmp_group(e, owner, group)
    if mmp == NULL:
        if e.mmp_used >= e.mmp_max:
            return CAPACITY
        e.mmp_used += 1
        e.mmp_of[owner * MMP_GROUPS + <uint32_t>group] = e.mmp_used
        mmp = &e.mmp[e.mmp_used]
        memset(mmp, 0, sizeof(mmp_t))
        mmp.set = 1
    mmp.limit[0], mmp.limit[1], mmp.limit[2] = lots, delta, vega
    mmp.window, mmp.frozen = window, frozen
    return 0


cdef void mmp_reset(engine_t *e, uint32_t owner, int group) noexcept nogil:
    """Unfreeze, and begin at nothing."""
    cdef mmp_t *mmp = mmp_group(e, owner, group)
    if mmp != NULL:
        mmp.is_frozen = 0
        mmp.count = mmp.first = 0
        mmp.sum[0] = mmp.sum[1] = mmp.sum[2] = 0


cdef int32_t mmp_check(engine_t *e, uint32_t owner, int group) noexcept nogil:
    """May a tagged order enter? Ends a freeze whose time is over."""
    cdef mmp_t *mmp = mmp_group(e, owner, group)
    if mmp == NULL:
        return MMP_UNKNOWN
    if mmp.is_frozen:
        if mmp.frozen_until == 0 or e.now < mmp.frozen_until:
            return MMP_FROZEN
        mmp_reset(e, owner, group)
    return 0


cdef void remember(mmp_t *mmp, int64_t now, int64_t lots, int64_t delta, int64_t vega) noexcept nogil:
    """Add a fill; drop those that left the window. With 64 remembered the two oldest become one (MATCH-104)."""
    cdef uint32_t at, after
    cdef int k
    while mmp.count > 0 and mmp.time[mmp.first] <= now - mmp.window:
        for k in range(3):
            mmp.sum[k] -= mmp.part[mmp.first][k]
        mmp.first = (mmp.first + 1) % MMP_FILLS
        mmp.count -= 1
    if mmp.count == MMP_FILLS:
        after = (mmp.first + 1) % MMP_FILLS
        for k in range(3):
            mmp.part[after][k] += mmp.part[mmp.first][k]
        mmp.first = after
        mmp.count -= 1
    at = (mmp.first + mmp.count) % MMP_FILLS
    mmp.count += 1
    mmp.time[at] = now
    mmp.part[at][0], mmp.part[at][1], mmp.part[at][2] = lots, delta, vega
    for k in range(3):
        mmp.sum[k] += mmp.part[at][k]


cdef inline int64_t magnitude(int64_t value) noexcept nogil:
    return -value if value < 0 else value


cdef bint mmp_fill(engine_t *e, uint32_t owner, int group, uint32_t book_id, int side, int64_t lots) noexcept nogil:
    """Count a fill of a tagged order; above a limit cancel every tagged order of the group. True if it came to that.

    The order that is taking right now is left to its own loop.
    """
    cdef mmp_t *mmp = mmp_group(e, owner, group)
    cdef int64_t signed_lots = lots if side == 0 else -lots
    cdef uint32_t slot, after
    cdef int k
    cdef bint broken = False
    if mmp == NULL or mmp.is_frozen:
        return False
    remember(mmp, e.now, lots, signed_lots * e.more[book_id].delta, signed_lots * e.more[book_id].vega)
    for k in range(3):
        if mmp.limit[k] != 0 and magnitude(mmp.sum[k]) > mmp.limit[k]:
            broken = True
    if not broken:
        return False
    mmp.is_frozen = 1
    mmp.frozen_until = 0 if mmp.frozen == 0 else e.now + mmp.frozen
    event_set(event_add(e, BOOK_MMP, book_id, side, 0, owner, 0), group, mmp.frozen_until, -1, 0)
    slot = e.owners[owner].head
    while slot != 0:
        after = e.links[slot].next
        if has_terms(e, slot) and e.terms[slot].mmp == group and e.terms[slot].state != STATE_TAKING:
            book_withdraw(e, slot, REASON_MMP)
        slot = after
    return True
