"""Token movements in time order, for entitlement as of a past moment."""
from libc.stdint cimport int64_t, uint32_t, uint64_t

cdef struct movement_t:
    int64_t time_ns
    uint32_t account
    uint32_t asset
    int64_t units                 # signed

cdef struct timeline_t:
    movement_t *entries
    uint64_t *newest              # [account * assets_max + asset]: index + 1 of the pair's newest entry, 0 = none
    uint32_t accounts_max
    uint32_t assets_max
    int64_t grain_ns              # movements of a pair inside one grain are one entry, dated at the grain's end
    uint64_t used
    uint64_t maximum
    int64_t folded_ns             # movements at or before this are only in the base

cdef inline void timeline_add(timeline_t *t, int64_t time_ns, uint32_t account, uint32_t asset,
                              int64_t units) noexcept nogil:
    """Append, or add to the pair's entry of the same grain; the caller has made room (`timeline_room`)."""
    cdef int64_t end_ns = (time_ns + t.grain_ns - 1) // t.grain_ns * t.grain_ns
    cdef uint64_t *newest = &t.newest[<size_t>account * t.assets_max + asset]
    cdef movement_t *entry
    if newest[0] != 0 and t.entries[newest[0] - 1].time_ns == end_ns:
        t.entries[newest[0] - 1].units += units
        return
    entry = &t.entries[t.used]
    t.used += 1
    newest[0] = t.used
    entry.time_ns, entry.account, entry.asset, entry.units = end_ns, account, asset, units

cdef inline uint64_t timeline_room(timeline_t *t) noexcept nogil:
    return t.maximum - t.used

cdef class Timeline:
    cdef timeline_t c
    cdef dict base                # {asset: {account: units}} of everything folded
    cdef fold_count(self, uint64_t count)
    cdef find_newest(self)
