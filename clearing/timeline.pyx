# cython: language_level=3, boundscheck=False, wraparound=False
"""The position timeline: who held how much of a token at a past moment.

Lives here: movements in time order on top of a folded base, and the query as of a record time (DIV-002).
Does not know: what a dividend is, the ledger.
Theory: blocks arrive after later trades, so entitlement is a question about history, never about current balances. A
movement counts if its time is at or before the record time; time never decreases along the sequence. Record times are
whole seconds (headers count no smaller), so what a pair moves between two of them is kept as one entry dated at the
second's end: no query can tell the difference, and trading fast does not push history out.
"""
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memmove, memset

import msgspec

from domain.ensure import ensure


cdef class Timeline:
    """Keeps at most `maximum` entries; older ones are folded into a base that cannot be split any more.

    Moments asked for must be multiples of `grain_ns`.
    """

    def __cinit__(self, uint64_t maximum, *, int64_t grain_ns=1, uint32_t accounts_max=64, uint32_t assets_max=16):
        ensure(grain_ns > 0, "the grain of time is positive")
        self.c.maximum = maximum
        self.c.grain_ns = grain_ns
        self.c.accounts_max, self.c.assets_max = accounts_max, assets_max
        self.c.newest = <uint64_t *>calloc(<size_t>accounts_max * assets_max, sizeof(uint64_t))
        self.c.folded_ns = -1
        self.base = {}
        self.c.entries = <movement_t *>calloc(maximum, sizeof(movement_t))
        if self.c.entries == NULL or self.c.newest == NULL:
            raise MemoryError("timeline slab")

    def __dealloc__(self):
        free(self.c.entries)
        free(self.c.newest)

    def add(self, int64_t time_ns, uint32_t account, uint32_t asset, int64_t units):
        """Record a movement outside the order path (minting, expiry). O(1)."""
        ensure(account < self.c.accounts_max and asset < self.c.assets_max, "timeline account and asset exist")
        self.make_room(1)
        ensure(self.c.used == 0 or self.c.entries[self.c.used - 1].time_ns - self.c.grain_ns < time_ns,
               "time does not go back")
        timeline_add(&self.c, time_ns, account, asset, units)

    def room(self):
        """Movements that can be added before something must be folded."""
        return self.c.maximum - self.c.used

    def make_room(self, uint64_t wanted):
        """Fold the oldest half when fewer than `wanted` entries are free. O(entries), rare."""
        if self.c.maximum - self.c.used < wanted:
            self.fold_count(max(self.c.used // 2, min(wanted, self.c.used)))
        ensure(self.c.maximum - self.c.used >= wanted, "timeline has room")

    def fold(self, int64_t before_ns):
        """Fold movements older than `before_ns`. O(entries)."""
        cdef uint64_t low = 0, high = self.c.used, middle
        while low < high:
            middle = (low + high) // 2
            if self.c.entries[middle].time_ns < before_ns:
                low = middle + 1
            else:
                high = middle
        self.fold_count(low)

    cdef fold_count(self, uint64_t count):
        cdef uint64_t i
        cdef movement_t *entry
        cdef dict holders
        if count == 0:
            return
        for i in range(count):
            entry = &self.c.entries[i]
            holders = self.base.setdefault(entry.asset, {})
            holders[entry.account] = holders.get(entry.account, 0) + entry.units
            if holders[entry.account] == 0:
                del holders[entry.account]
        self.c.folded_ns = self.c.entries[count - 1].time_ns
        memmove(self.c.entries, self.c.entries + count, (self.c.used - count) * sizeof(movement_t))
        self.c.used -= count
        self.find_newest()

    cdef find_newest(self):
        """Where each pair's newest entry stands, after entries moved."""
        cdef uint64_t i
        memset(self.c.newest, 0, <size_t>self.c.accounts_max * self.c.assets_max * sizeof(uint64_t))
        for i in range(self.c.used):
            self.c.newest[<size_t>self.c.entries[i].account * self.c.assets_max + self.c.entries[i].asset] = i + 1

    def reaches(self, int64_t time_ns):
        """True while holdings as of `time_ns` can still be told."""
        return time_ns >= self.c.folded_ns

    def holders(self, uint32_t asset, int64_t time_ns):
        """{account: units > 0} as of `time_ns`, counting every movement at or before it, by account. O(entries)."""
        cdef uint64_t i
        cdef movement_t *entry
        ensure(time_ns % self.c.grain_ns == 0, "holdings are told at whole grains of time")
        ensure(self.reaches(time_ns), "record time within the timeline's reach")
        cdef dict held = dict(self.base.get(asset, {}))
        for i in range(self.c.used):
            entry = &self.c.entries[i]
            if entry.time_ns > time_ns:
                break
            if entry.asset == asset:
                held[entry.account] = held.get(entry.account, 0) + entry.units
        for account, units in held.items():
            ensure(units >= 0, f"account {account} never held less than nothing")
        return {account: units for account, units in sorted(held.items()) if units > 0}

    def check_invariants(self):
        """Times do not decrease."""
        cdef uint64_t i
        for i in range(1, self.c.used):
            ensure(self.c.entries[i - 1].time_ns <= self.c.entries[i].time_ns, "movements stand in time order")

    def dump(self):
        """Movements and base as bytes."""
        base = [(asset, sorted(holders.items())) for asset, holders in sorted(self.base.items())]
        entries = (<char *>self.c.entries)[:self.c.used * sizeof(movement_t)]
        return msgspec.msgpack.encode((self.c.folded_ns, base, entries))

    def load(self, bytes data):
        """Fill a fresh timeline from a dump."""
        folded_ns, base, entries = msgspec.msgpack.decode(data)
        cdef const char *raw = entries
        ensure(<size_t>len(entries) <= self.c.maximum * sizeof(movement_t), "timeline dump fits")
        self.c.folded_ns = folded_ns
        self.base = {asset: {account: units for account, units in holders} for asset, holders in base}
        self.c.used = <uint64_t>len(entries) // sizeof(movement_t)
        memcpy(self.c.entries, raw, <size_t>len(entries))
        self.find_newest()
