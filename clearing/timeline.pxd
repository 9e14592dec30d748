"""Token movements in time order, for entitlement as of a past moment."""
from libc.stdint cimport int64_t, uint32_t, uint64_t

cdef struct movement_t:
    int64_t time_ns
    uint32_t account
    uint32_t asset
    int64_t units                 # signed

cdef struct timeline_t:
    movement_t *entries
    uint64_t used
    uint64_t maximum
    int64_t folded_ns             # movements at or before this are only in the base

cdef inline void timeline_add(timeline_t *t, int64_t time_ns, uint32_t account, uint32_t asset,
                              int64_t units) noexcept nogil:
    """Append; the caller has made room (`timeline_room`)."""
    cdef movement_t *entry = &t.entries[t.used]
    t.used += 1
    entry.time_ns, entry.account, entry.asset, entry.units = time_ns, account, asset, units

cdef inline uint64_t timeline_room(timeline_t *t) noexcept nogil:
    return t.maximum - t.used

cdef class Timeline:
    cdef timeline_t c
    cdef dict base                # {asset: {account: units}} of everything folded
    cdef fold_count(self, uint64_t count)
