# cython: language_level=3, boundscheck=False, wraparound=False
"""Forward positions: lots, what they cost since the last cycle, and what their open orders add.

Lives here: the slab, the arithmetic of a fill on a position, the flows of a variation margin cycle, law I4.
Does not know: margin, balances, the book.
Theory (VM-001): flow = tick_value x (lots x P - cost) with cost = lots carried x last cycle price + sum of signed lots
x trade price. Lots and costs of all accounts sum to zero per contract, so flows do, without rounding.
Bound: |lots| <= 20,000 x 2**27 ticks < 2**42; all products stay far inside int64.
"""
from libc.stdint cimport int64_t, uint32_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy

from domain.ensure import ensure


cdef void position_fill(position_t *position, int64_t signed_lots, int64_t price_ticks) noexcept nogil:
    """Add a fill. The entry price of what stays open does not move when lots close."""
    cdef int64_t before = position.lots
    cdef int64_t after = before + signed_lots
    position.lots = after
    position.cost_ticks += signed_lots * price_ticks
    if before == 0 or (before > 0) == (signed_lots > 0):
        position.entry_ticks += signed_lots * price_ticks
    elif after == 0:
        position.entry_ticks = 0
        position.realized = 0
    elif (after > 0) == (before > 0):
        position.entry_ticks = position.entry_ticks // before * after + position.entry_ticks % before * after // before
    else:
        position.entry_ticks = after * price_ticks
        position.realized = 0


cdef class Positions:
    """At most `maximum` (account, instrument) pairs. O(1) to find, O(pairs) for cycles and checks."""

    def __cinit__(self, uint32_t maximum):
        cdef uint32_t size = 16
        while size < 2 * maximum:
            size <<= 1
        self.c.maximum, self.c.index_mask = maximum, size - 1
        self.c.slots = <position_t *>calloc(maximum + 1, sizeof(position_t))
        self.c.index = <uint32_t *>calloc(size, sizeof(uint32_t))
        if self.c.slots == NULL or self.c.index == NULL:
            raise MemoryError("position slab")

    def __dealloc__(self):
        free(self.c.slots)
        free(self.c.index)

    def of_account(self, uint32_t account):
        """[(instrument, lots, buy_lots, sell_lots, cost_ticks, entry_ticks, realized)] by instrument. O(pairs)."""
        cdef uint32_t slot
        cdef list out = []
        for slot in range(1, self.c.used + 1):
            p = self.c.slots[slot]
            if p.account == account and (p.lots or p.buy_lots or p.sell_lots):
                out.append((p.instrument, p.lots, p.buy_lots, p.sell_lots, p.cost_ticks, p.entry_ticks, p.realized))
        return sorted(out)

    def of_instrument(self, uint32_t instrument):
        """[(account, lots, cost_ticks)] of pairs with lots or cost, by account. O(pairs)."""
        cdef uint32_t slot
        cdef list out = []
        for slot in range(1, self.c.used + 1):
            p = self.c.slots[slot]
            if p.instrument == instrument and (p.lots or p.cost_ticks):
                out.append((p.account, p.lots, p.cost_ticks))
        return sorted(out)

    def cycle_paid(self, uint32_t account, uint32_t instrument, int64_t price_ticks, int64_t amount):
        """The cycle at `price_ticks` paid `amount`: the position restarts at that price (settled to market)."""
        cdef uint32_t slot = position_find(&self.c, account, instrument)
        ensure(slot != 0, "a cycle pays positions that exist")
        self.c.slots[slot].cost_ticks = self.c.slots[slot].lots * price_ticks
        if self.c.slots[slot].lots:
            self.c.slots[slot].realized += amount

    def fill(self, uint32_t account, uint32_t instrument, int64_t signed_lots, int64_t price_ticks):
        """Add one side of a trade; for scenarios and tests (orders settle through exchange.order_entry)."""
        cdef uint32_t slot = position_open(&self.c, account, instrument)
        ensure(slot != 0, "room for the position")
        position_fill(&self.c.slots[slot], signed_lots, price_ticks)

    def open_interest(self, uint32_t instrument):
        """Long lots of the contract. O(pairs)."""
        return sum(lots for _, lots, _ in self.of_instrument(instrument) if lots > 0)

    def check_invariants(self):
        """I4: lots and costs of every contract sum to zero; order lots are not negative."""
        cdef uint32_t slot
        cdef dict lots = {}, cost = {}
        for slot in range(1, self.c.used + 1):
            p = self.c.slots[slot]
            lots[p.instrument] = lots.get(p.instrument, 0) + p.lots
            cost[p.instrument] = cost.get(p.instrument, 0) + p.cost_ticks
            ensure(p.buy_lots >= 0 and p.sell_lots >= 0 and p.order_loss >= 0, "open order sums are not negative")
            ensure(position_find(&self.c, p.account, p.instrument) == slot, "a position is found by its key")
        for instrument in lots:
            ensure(lots[instrument] == 0, f"lots of instrument {instrument} sum to zero")
            ensure(cost[instrument] == 0, f"costs of instrument {instrument} sum to zero")

    def dump(self):
        """The slab as bytes."""
        return self.c.used.to_bytes(4, "little") + (<char *>self.c.slots)[:(self.c.used + 1) * sizeof(position_t)]

    def load(self, bytes data):
        """Fill a fresh slab of the same limits from a dump."""
        cdef const char *raw = data
        cdef uint32_t used = int.from_bytes(data[:4], "little"), slot
        ensure(used <= self.c.maximum and <size_t>len(data) == 4 + (used + 1) * sizeof(position_t), "position dump fits")
        memcpy(self.c.slots, raw + 4, (used + 1) * sizeof(position_t))
        for slot in range(1, used + 1):
            self.c.used = slot - 1
            position_open(&self.c, self.c.slots[slot].account, self.c.slots[slot].instrument)
