"""Forward positions per (account, instrument): slab with a hash to find them, never given back."""
from libc.stdint cimport int64_t, uint32_t, uint64_t

cdef struct position_t:
    uint32_t account
    uint32_t instrument
    int64_t lots                  # signed
    int64_t buy_lots              # open buy orders
    int64_t sell_lots             # open sell orders
    int64_t cost_ticks            # sum of signed lots x price since the last cycle, carried lots at the last cycle's price
    int64_t entry_ticks           # sum of signed lots x entry price of what is open (display)
    int64_t realized              # paid by cycles and fees since the position was last flat (display), quote units
    int64_t order_loss            # sum over open orders of lots x loss per lot, quote units

cdef struct positions_t:
    position_t *slots             # 1-based
    uint32_t *index               # slot by hash of (account, instrument), 0 = free
    uint32_t index_mask
    uint32_t used
    uint32_t maximum

cdef inline uint32_t position_find(positions_t *p, uint32_t account, uint32_t instrument) noexcept nogil:
    """Slot, or 0 if the account never had orders or lots in the instrument."""
    cdef uint64_t key = (<uint64_t>account << 32) | instrument
    cdef uint32_t at = <uint32_t>((key * <uint64_t>0x9E3779B97F4A7C15) >> 32) & p.index_mask
    cdef uint32_t slot
    while True:
        slot = p.index[at]
        if slot == 0 or (p.slots[slot].account == account and p.slots[slot].instrument == instrument):
            return slot
        at = (at + 1) & p.index_mask

cdef inline uint32_t position_open(positions_t *p, uint32_t account, uint32_t instrument) noexcept nogil:
    """Slot, made if needed; 0 when the slab is full."""
    cdef uint32_t slot = position_find(p, account, instrument)
    cdef uint64_t key = (<uint64_t>account << 32) | instrument
    cdef uint32_t at
    if slot != 0:
        return slot
    if p.used >= p.maximum:
        return 0
    p.used += 1
    slot = p.used
    p.slots[slot].account, p.slots[slot].instrument = account, instrument
    at = <uint32_t>((key * <uint64_t>0x9E3779B97F4A7C15) >> 32) & p.index_mask
    while p.index[at] != 0:
        at = (at + 1) & p.index_mask
    p.index[at] = slot
    return slot

cdef void position_fill(position_t *position, int64_t signed_lots, int64_t price_ticks) noexcept nogil

cdef class Positions:
    cdef positions_t c
