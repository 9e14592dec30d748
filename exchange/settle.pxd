"""What a book event does to the house: funds checked before, holds and money moved after."""
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

from exchange.core cimport core_t, order_info_t
from matching.types cimport book_event_t, incoming_t

cdef struct funds_t:              # what an order asks of its account
    uint32_t asset                # of the hold
    int64_t hold_per_lot          # while it may take
    int64_t hold_per_lot_resting
    int64_t loss_per_lot
    int32_t code                  # refusal, 0 = granted
    uint32_t detail
    int64_t value

cdef void check_funds(core_t *c, uint32_t account, uint32_t instrument, int side, int64_t price_ticks, int64_t lots,
                      funds_t *funds) noexcept nogil
cdef void settle_fill(core_t *c, const book_event_t *fill, uint32_t taker_account, order_info_t *taker) noexcept nogil
cdef void place_hold(core_t *c, uint32_t account, uint32_t instrument, int side, int64_t lots,
                     const order_info_t *info) noexcept nogil
cdef bint reduces(core_t *c, uint32_t account, uint32_t instrument, int side, int64_t lots) noexcept nogil
